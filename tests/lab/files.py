"""halbd.yaml files that labs are built from."""

from __future__ import annotations

PLAIN = b"""\
cluster: demo
nodes:
  - {name: lb1, address: 10.10.50.2}
  - {name: lb2, address: 10.10.50.3}
vips:
  - {address: 10.10.50.4, interface: ens192}
frontends:
  - name: kube-apiserver
    port: 6443
    max_connections: 1000
    servers: [10.10.50.11:6443, 10.10.50.12:6443]
    check: {ca_file: /etc/halbd/ca.crt}
"""

VERSION_6 = b"""\
nodes:
  - {name: lb1, address: "fd00:a::2"}
  - {name: lb2, address: "fd00:a::3"}
vips:
  - {address: "fd00:a::4"}
frontends:
  - name: kube-apiserver
    port: 6443
    max_connections: 1000
    servers: [api1.example.net:6443, "[fd00:b::12]:6443"]
    check: {ca_file: /etc/halbd/ca.crt}
"""
