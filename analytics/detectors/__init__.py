"""Detectors: pure and causal functions from readings and time to findings."""
