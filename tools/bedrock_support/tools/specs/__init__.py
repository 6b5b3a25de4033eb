"""Holding the ticked tasks of a specification against the code."""
