"""How messages come and go: a port and its adapters."""
