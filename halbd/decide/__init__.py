"""Every decision, as pure functions on frozen values: no socket, clock, disk or loop."""
