"""What people and keepalived run: one file per command or verb."""
