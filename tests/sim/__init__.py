"""Whole clusters in one process and in simulated time: the real `step` on every node, models of all the rest."""
