"""Wires the parts: the command line and the single-machine system."""
