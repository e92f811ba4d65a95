"""Config in, files out: pure, so the same file gives the same bytes."""
