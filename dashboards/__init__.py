"""Grafana boards over the InfluxDB store: one module per board, the generated JSON, provisioning."""
