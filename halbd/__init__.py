"""halbd: one daemon per load-balancer VM that writes the configs, runs the proxy and says why the VIP moved."""

__version__ = "0.1.0"
