"""What HAProxy 2.6 says in `show stat -1 4 -1`, captured word for word, as values."""

from __future__ import annotations

import asyncio

import pytest

from halbd.model.evidence import ServerState, ServerView
from halbd.model.paths import Paths
from halbd.system import haproxy
from halbd.system.haproxy import parse_stat

HEAD = (
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,"
    "bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,"
    "check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,"
    "req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,"
    "rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,"
    "agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses,"
    "wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,"
    "idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est,uweight,agg_server_status,agg_server_check_status,"
    "agg_check_status,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,h2_headers_rcvd,h2_data_rcvd,h2_settings_rcvd,"
    "h2_rst_stream_rcvd,h2_goaway_rcvd,h2_detected_conn_protocol_errors,h2_detected_strm_protocol_errors,"
    "h2_rst_stream_resp,h2_goaway_resp,h2_open_connections,h2_backend_open_streams,h2_total_connections,"
    "h2_backend_total_streams,h1_open_connections,h1_open_streams,h1_total_connections,h1_total_streams,h1_bytes_in,"
    "h1_bytes_out,h1_spliced_bytes_in,h1_spliced_bytes_out,\n"
)
WELL = (
    "kube-apiserver,10.99.0.11:7443,0,0,0,1,,6,4572,8723,,0,,0,0,0,0,UP,1,1,0,0,0,3,0,,1,3,1,,6,,2,2,,4,L7OK,200,0,"
    ",,,,,,,,,,5,0,,,,,0,,,0,0,0,4,,,,Layer7 check passed,,1,2,2,,,,10.99.0.11:7443,,tcp,,,,,,,,0,6,0,,,0,,0,0,0,7,0,"
    "0,0,0,1,1,,,,-,2,5,0,,,,,,,,,,,,,,,,,,,,,,\n"
)
SICK = WELL.replace("10.99.0.11", "10.99.0.12").replace("UP", "DOWN").replace("L7OK,200", "L7STS,500")
REFUSED = (
    "other,10.99.0.11:1,0,0,0,1,,1,0,0,,0,,0,0,0,1,DOWN,1,1,0,1,1,2,2,,1,5,1,,1,,2,0,,1,L4CON,,0,,,,,,,,,,,0,0,,,,,2,"
    "Connection refused,,0,0,0,0,,,,Layer4 connection problem,,1,2,0,,,,10.99.0.11:1,,tcp,,,,,,,,0,1,0,,,0,,0,0,0,0,0,"
    "0,0,0,1,1,,,,-,0,0,0,,,,,,,,,,,,,,,,,,,,,,\n"
)


def state(status: str, check: str = "L7OK,200") -> ServerView:
    row = WELL.replace(",UP,", f",{status},").replace("L7OK,200", check)
    return parse_stat(HEAD + row + "\n").frontends[0].servers[0]


def test_servers_are_listed_by_frontend() -> None:
    view = parse_stat(HEAD + WELL + SICK + REFUSED + "\n")
    assert [f.name for f in view.frontends] == ["kube-apiserver", "other"]
    first, second = view.frontends[0].servers
    assert first == ServerView("10.99.0.11:7443", "10.99.0.11:7443", ServerState.UP, "L7OK", 0, first.total)
    assert second == ServerView("10.99.0.12:7443", "10.99.0.12:7443", ServerState.DOWN, "L7STS 500", 0, second.total)
    assert first.total == 6
    assert view.frontends[1].servers[0].check == "L4CON"


def test_a_frontend_without_a_usable_server_is_blind() -> None:
    assert parse_stat(HEAD + WELL + SICK + REFUSED + "\n").blind == ("other",)


def test_every_word_of_haproxy_has_its_state() -> None:
    """Configuration Manual 2.6, 9.1: field 17, "status"; `2/3` counts the checks on the way to the other state."""
    assert state("UP 1/2", "INI,").state is ServerState.STARTING
    assert state("UP 2/3", "* L4CON,").state is ServerState.UP
    assert state("DOWN 1/2", "* L7OK,200").state is ServerState.DOWN
    assert state("MAINT").state is ServerState.MAINT
    assert state("MAINT (via kube-apiserver/other)").state is ServerState.MAINT
    assert state("MAINT (resolution)").state is ServerState.MAINT
    assert state("DRAIN").state is ServerState.DRAIN
    assert state("NOLB").state is ServerState.DRAIN
    assert state("no check", ",").state is ServerState.NO_CHECK


def test_a_word_that_is_not_known_is_not_usable() -> None:
    assert not state("LEVITATING").usable


def test_a_check_under_way_is_shown_as_the_one_before() -> None:
    assert state("UP", "* L7OK,200").check == "L7OK"


def test_no_servers_at_all_is_an_empty_view() -> None:
    assert parse_stat(HEAD + "\n").frontends == ()


@pytest.mark.parametrize("answer", ["# pxname,svname,\na,b\n\n", "# pxname,svname,\n" + "x" * 200_000 + "\n\n"])
def test_nonsense_from_the_admin_socket_is_no_answer(paths: Paths, answer: str) -> None:
    """The proxy's account may be in a stranger's hands: it must not end the daemon."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.write(answer.encode())
        writer.close()

    async def ask() -> None:
        async with await asyncio.start_unix_server(reply, str(paths.admin_socket)):
            await haproxy.view(paths, 5)

    with pytest.raises(OSError, match=r"sense|whole|longer"):
        asyncio.run(ask())
