"""Every node of a config on one machine: namespaces, stand-in servers, faults, the report."""
