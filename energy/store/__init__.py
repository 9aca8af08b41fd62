"""Where time series rest: a port and its adapters."""
