"""A config for the tests of every room: two nodes, one VIP, three API servers, as lb1 sees it."""

from __future__ import annotations

from ipaddress import ip_interface
from pathlib import Path

import yaml

from halbd.model.config import Config
from halbd.model.host import Host, HostAddress
from halbd.parse.parse import parse

CA_PEM = """\
-----BEGIN CERTIFICATE-----
MIIBmDCCAT2gAwIBAgIUIHFSOA1I4PDCuFOF9kGrMTd90WowCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNaGFsYmQgdGVzdCBDQTAgFw0yNjExMjAwNjI2NDhaGA8yMTI2
MTAyNzA2MjY0OFowGDEWMBQGA1UEAwwNaGFsYmQgdGVzdCBDQTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABCUJWl6s+CBOnJgGaAyabywTsi+PrCQ/MtAoiJRv1wBn
92owHktv6YXbS0mAqobwk7StQZXi9WLp/pyD2+An3YijYzBhMB0GA1UdDgQWBBT3
fLCw6R6MsGxdH2v6UP5ApaFEsjAfBgNVHSMEGDAWgBT3fLCw6R6MsGxdH2v6UP5A
paFEsjAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwICBDAKBggqhkjOPQQD
AgNJADBGAiEAskFN1rQXY7rsBrrYbOSySDYkzeiZ7p9IHo7VF0FQR5ECIQCmLCnq
bfCiWLfE6qiQHK8gV65s5SWEtI9dg+o2f5WtIQ==
-----END CERTIFICATE-----
"""
"""A CA made for these tests, valid for a hundred years; nobody has its key."""

HOST = Host((HostAddress("eth0", ip_interface("10.10.50.2/24")),), Path("/etc/halbd"))
"""lb1."""


def read(path: Path) -> bytes:
    """A ReadFile that has the test CA under every name that ends in .crt, and nothing else."""
    if path.suffix != ".crt":
        raise FileNotFoundError(2, "No such file or directory", str(path))
    return CA_PEM.encode()


def sample_yaml(**top_level: object) -> bytes:
    """The sample file, with these top-level keys written instead of its own."""
    sample: dict[str, object] = {
        "cluster": "kubernetes",
        "nodes": [{"name": "lb1", "address": "10.10.50.2"}, {"name": "lb2", "address": "10.10.50.3"}],
        "vips": [{"address": "10.10.50.4"}],
        "frontends": [
            {
                "name": "kube-apiserver",
                "port": 6443,
                "servers": ["10.10.50.11:6443", "10.10.50.12:6443", "10.10.50.13:6443"],
            }
        ],
    }
    return yaml.safe_dump(sample | top_level, sort_keys=False).encode()


def config(**top_level: object) -> Config:
    """The sample as a Config, with these top-level keys instead of its own."""
    parsed = parse(sample_yaml(**top_level), HOST, read)
    assert isinstance(parsed, Config), [str(problem) for problem in parsed]
    return parsed
