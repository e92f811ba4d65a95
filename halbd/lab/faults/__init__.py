"""What the lab can do to a cluster: one file per fault."""
