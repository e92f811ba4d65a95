"""The loop that owns the state and wires decisions to hands."""
