"""The files that the config names: certificates and the secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from halbd.model.config import Config
from halbd.model.host import SecretFile
from halbd.parse.parse import parse
from tests.parse.told import BASE, edited, told
from tests.sample import CA_PEM, HOST, config, read

PEM = "name a PEM file, such as a copy of a control-plane node's /etc/kubernetes/pki/ca.crt"
WITH_SECRET = f"{BASE}vrrp: {{version: 2, advert_int: 1, auth_pass_file: pass}}\n"


def refuse(path: Path) -> bytes:
    """A ReadFile to which no file is readable."""
    raise PermissionError(13, "Permission denied", str(path))


def refuse_secret(path: Path) -> SecretFile:
    """A ReadSecret to which no file is readable."""
    raise PermissionError(13, "Permission denied", str(path))


def with_secret(content: bytes, mode: int = 0o600) -> Config | tuple[object, ...]:
    """The config that names a secret of that content."""

    def beside(path: Path) -> SecretFile:
        assert path == Path("/etc/halbd/pass")
        return SecretFile(content, mode)

    return parse(WITH_SECRET.encode(), HOST, read, read_secret=beside)


def secret_told(content: bytes, mode: int = 0o600) -> list[str]:
    """What is told of a secret of that content."""
    return told(WITH_SECRET, read_secret=lambda _path: SecretFile(content, mode))


def test_the_certificates_come_from_beside_the_file_unless_written() -> None:
    asked: list[Path] = []

    def note(path: Path) -> bytes:
        asked.append(path)
        return CA_PEM.encode()

    for check in ("{}", "{ca_file: other.pem}", "{ca_file: /etc/kubernetes/pki/ca.crt}"):
        assert told(edited("port: 6443", f"port: 6443\n    check: {check}"), read_file=note) == []
    assert [str(path) for path in asked] == ["/etc/halbd/ca.crt", "/etc/halbd/other.pem", "/etc/kubernetes/pki/ca.crt"]


def test_a_file_of_several_certificates_is_taken_whole() -> None:
    one = parse(BASE.encode(), HOST, lambda _: f"an old one:\n{CA_PEM}a new one:\n{CA_PEM}".encode())
    assert isinstance(one, Config)
    assert one.frontends[0].check.ca == 2 * CA_PEM


def test_missing_certificates_are_told_even_where_nothing_is_written() -> None:
    assert told(BASE, read_file=refuse) == [
        (
            f"line 10: frontends[0].check.ca_file: cannot read /etc/halbd/ca.crt: Permission denied; {PEM}, "
            "or write insecure: true"
        )
    ]


def test_missing_certificates_are_told_on_the_line_that_names_them() -> None:
    assert told(edited("port: 6443", "port: 6443\n    check:\n      ca_file: ca.pem")) == [
        (
            f"line 13: frontends[0].check.ca_file: cannot read /etc/halbd/ca.pem: No such file or directory; {PEM}, "
            "or write insecure: true"
        )
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "holds no certificate"),
        (b"\xff\xfe", "holds no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n" * 35_000, "holds no certificate"),
        (CA_PEM.replace("CERTIFICATE", "PUBLIC KEY").encode(), "holds no certificate"),
        (CA_PEM.replace("MIIB", "AAAA").encode(), "holds a certificate that cannot be read"),
        ((CA_PEM + CA_PEM.replace("MIIB", "AAAA")).encode(), "holds a certificate that cannot be read"),
        (CA_PEM.replace("MIIB", "M").encode(), "holds a certificate that cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "holds a certificate that cannot be read"),
    ],
)
def test_a_file_without_a_sound_certificate(content: bytes, what: str) -> None:
    assert told(BASE, read_file=lambda _path: content) == [
        f"line 10: frontends[0].check.ca_file: /etc/halbd/ca.crt {what}; {PEM}"
    ]


def test_only_certificates_are_taken_from_the_file() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    bundle = f"# ours\n{key}{CA_PEM}".replace("\n", "\r\n")
    parsed = parse(BASE.encode(), HOST, lambda _path: bundle.encode())
    assert isinstance(parsed, Config)
    assert parsed.frontends[0].check.ca == CA_PEM


@pytest.mark.parametrize("check", [{"insecure": True}, {"scheme": "http"}, {"scheme": "tcp"}])
def test_no_certificate_is_asked_for_where_none_is_used(check: dict[str, object]) -> None:
    frontend = {"name": "api", "port": 6443, "servers": ["10.10.50.11:6443"], "check": check}
    assert config(frontends=[frontend]).frontends[0].check.ca is None


@pytest.mark.parametrize("content", [b"x", b"eightchr", b"eightchr\n", b"a%&*+,./", b":=?_[]-"])
def test_a_sound_secret_is_taken_without_its_newline(content: bytes) -> None:
    parsed = with_secret(content)
    assert isinstance(parsed, Config)
    assert parsed.vrrp.auth_pass == content.decode().removesuffix("\n")
    assert repr(parsed).count(content.decode().strip()) == 0 or len(content) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty; write 1 to 8 characters into it"),
        (b"\n", "is empty; write 1 to 8 characters into it"),
        (
            b"ninechars",
            "holds 9 bytes: VRRP version 2 carries 8; shorten it to 8 bytes on every node",
        ),
        *(
            (
                b"ab" + bad + b"c",
                (
                    "holds a character that keepalived.conf cannot carry; "
                    "use letters, digits and % & * + , . / : = ? _ [ ] -"
                ),
            )
            for bad in [
                b" ",
                b"\t",
                b"\n",
                b"\r",
                b'"',
                b"'",
                b"#",
                b"!",
                b"$",
                b"@",
                b"~",
                b"{",
                b"}",
                b"\\",
                b"\0",
                b"\xff",
                b"<",
                b";",
                b"(",
            ]
        ),
    ],
)
def test_a_secret_that_keepalived_cannot_carry_is_told_and_not_shown(content: bytes, words: str) -> None:
    assert secret_told(content) == [f"line 15: vrrp.auth_pass_file: /etc/halbd/pass {words}"]


@pytest.mark.parametrize(("mode", "shown"), [(0o644, "0644"), (0o640, "0640"), (0o602, "0602"), (0o100604, "0604")])
def test_a_secret_that_others_can_reach_is_refused(mode: int, shown: str) -> None:
    assert secret_told(b"secret", mode) == [
        (
            f"line 15: vrrp.auth_pass_file: /etc/halbd/pass has mode {shown}, which is open to others; "
            "chmod 0600 /etc/halbd/pass"
        )
    ]


def test_a_secret_that_cannot_be_read() -> None:
    assert told(WITH_SECRET, read_secret=refuse_secret) == [
        (
            "line 15: vrrp.auth_pass_file: cannot read /etc/halbd/pass: Permission denied; "
            "write the password there, mode 0600"
        )
    ]


def test_a_secret_that_nobody_reads_is_a_problem_and_not_passed_over() -> None:
    (problem,) = told(WITH_SECRET)
    assert "cannot read /etc/halbd/pass: secrets are not read here" in problem


def test_version_3_has_no_secret() -> None:
    assert told(f"{BASE}vrrp: {{auth_pass_file: pass}}\n", read_secret=lambda _path: SecretFile(b"secret", 0o600)) == [
        "line 15: vrrp.auth_pass_file: VRRP version 3 has no password; leave auth_pass_file out, or write version: 2"
    ]


def test_a_secret_file_does_not_show_its_content() -> None:
    assert "secret" not in repr(SecretFile(b"secret", 0o600))
