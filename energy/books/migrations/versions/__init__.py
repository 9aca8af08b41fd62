"""The steps, each a frozen copy of what it makes."""
