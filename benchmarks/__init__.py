"""Measurements of the real system beside something known, on the machine at hand."""
