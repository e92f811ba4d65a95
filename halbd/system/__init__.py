"""Hands, one file per outside thing; no decisions."""
