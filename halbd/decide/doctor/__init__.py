"""The judgements of `halbctl doctor`: one file per family of checks, each over facts that others gathered."""
