"""The files that the config names: certificates, which are public, and one secret."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

from halbd.model.host import ReadFile, ReadSecret
from halbd.parse.finding import Finding, Place
from halbd.parse.view import View

# Base64 has no "-", so that a file of beginnings without an end is read once and not once for each.
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
_PEM_HINT = "name a PEM file, such as a copy of a control-plane node's /etc/kubernetes/pki/ca.crt"
# keepalived.conf(5): a blank ends the word, quotes join words, # and ! begin a comment, $ a definition, @ and ~ a
# condition or a sequence, braces a block, \ escapes.
_SECRET = re.compile(r"[A-Za-z0-9%&*+,./:=?_\[\]-]+")
_LONGEST_SECRET = 8


def authority(view: View, number: int, read: ReadFile) -> str | Finding | None:
    """The certificates that a frontend's check trusts; None where none are needed."""
    check = view.file.frontends[number].check
    if check.scheme != "https" or check.insecure:
        return None
    path = view.host.configuration / (check.ca_file or "ca.crt")
    return certificates(path, ("frontends", number, "check", "ca_file"), read)


def certificates(path: Path, place: Place, read: ReadFile) -> str | Finding:
    """The certificates of a PEM file and nothing else of it, so that no key can pass into a file that all may read."""
    try:
        text = read(path).decode("ascii", "replace")
    except OSError as error:
        return Finding(place, f"cannot read {path}: {error.strerror or error}", f"{_PEM_HINT}, or write insecure: true")
    blocks = _CERTIFICATE.findall(text)
    if not blocks:
        return Finding(place, f"{path} holds no certificate", _PEM_HINT)
    try:
        pem = "".join(map(_sound, blocks))
    except (ssl.SSLError, ValueError):
        return Finding(place, f"{path} holds a certificate that cannot be read", _PEM_HINT)
    return pem


def _sound(block: str) -> str:
    """The certificate in PEM's usual shape, once OpenSSL has read it. Raises ssl.SSLError or ValueError."""
    der = ssl.PEM_cert_to_DER_cert(block)
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=der)
    return ssl.DER_cert_to_PEM_cert(der)


def password(view: View, read: ReadSecret | None) -> str | Finding | None:
    """The content of auth_pass_file, less one newline at its end; None where none is named. No finding quotes it."""
    name = view.file.vrrp.auth_pass_file
    if name is None:
        return None
    place: Place = ("vrrp", "auth_pass_file")
    path = view.host.configuration / name
    if read is None:
        return Finding(place, f"cannot read {path}: secrets are not read here", "validate on the node itself, as root")
    try:
        secret = read(path)
    except OSError as error:
        return Finding(place, f"cannot read {path}: {error.strerror or error}", "write the password there, mode 0600")
    if secret.mode & 0o077:
        what = f"{path} has mode {secret.mode & 0o7777:04o}, which is open to others"
        return Finding(place, what, f"chmod 0600 {path}")
    return _password(secret.content.removesuffix(b"\n"), path, place)


def _password(content: bytes, path: Path, place: Place) -> str | Finding:
    text = content.decode("ascii", "replace")
    if not content:
        return Finding(place, f"{path} is empty", f"write 1 to {_LONGEST_SECRET} characters into it")
    if len(content) > _LONGEST_SECRET:
        # keepalived cuts without a word, so two passwords that differ from the ninth byte on would be the same.
        what = f"{path} holds {len(content)} bytes: VRRP version 2 carries {_LONGEST_SECRET}"
        return Finding(place, what, f"shorten it to {_LONGEST_SECRET} bytes on every node")
    if not _SECRET.fullmatch(text):
        what = f"{path} holds a character that keepalived.conf cannot carry"
        return Finding(place, what, "use letters, digits and % & * + , . / : = ? _ [ ] -")
    return text
