"""A network that loses adverts: what is lost now and then is no death."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.keepalived.pair import LoadBalancer
from tests.render.netns import inside, wait_until

pytestmark = pytest.mark.root

LOSES_FOUR_OF_FIVE = """\
table inet lossy {
    counter lost {}
    chain input {
        type filter hook input priority 0; policy accept;
        meta l4proto 112 numgen inc mod 5 != 0 counter name lost drop
    }
}
"""


def nft(place: str, *words: str, text: str = "") -> str:
    done = subprocess.run(inside(place, "nft", *words), input=text, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def lost(place: str) -> int:
    objects = json.loads(nft(place, "-j", "list", "counter", "inet", "lossy", "lost"))["nftables"]
    return next(int(one["counter"]["packets"]) for one in objects if "counter" in one)


def test_a_standby_that_hears_every_fifth_advert_stays_one(running: tuple[LoadBalancer, LoadBalancer]) -> None:
    """Four in a row are lost each time, which by the letter of VRRP is a death."""
    holder, standby = running
    nft(standby.place, "-f", "-", text=LOSES_FOUR_OF_FIVE)
    wait_until(lambda: lost(standby.place) >= 100, "a hundred lost adverts")
    assert holder.holds()
    assert standby.logged("Entering MASTER STATE") == 0
