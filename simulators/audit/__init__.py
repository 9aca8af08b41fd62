"""Compares the truth of a run with what the system answers: what was lost, doubled, changed, or nobody can explain."""
