"""The few things that take more privileges than the daemon has: done in this process, or by halbd-helper.service."""
