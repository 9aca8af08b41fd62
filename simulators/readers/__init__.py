"""Recorded files → streams of readings, one format per module."""
