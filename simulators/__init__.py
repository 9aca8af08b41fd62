"""Feeds that behave like meters and gateways: a demo, and the replay of recorded files."""
