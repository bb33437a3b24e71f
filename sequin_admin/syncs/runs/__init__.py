"""Runs of syncs: what is due, who holds it, what was reported, and how it ended."""
