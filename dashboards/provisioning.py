"""The files that tell Grafana where the store is and where the boards lie."""

import json

from dashboards.board import DATASOURCE


def data_source(url: str, bucket: str) -> str:
    """YAML of the data source: InfluxQL on `bucket` at `url`; Grafana reads the token from its own INFLUX_TOKEN."""
    return f"""apiVersion: 1
datasources:
  - name: carbonwatch
    uid: {DATASOURCE["uid"]}
    type: {DATASOURCE["type"]}
    access: proxy
    url: {_text(url)}
    isDefault: true
    jsonData:
      version: InfluxQL
      httpMode: POST
      dbName: {_text(bucket)}
      httpHeaderName1: Authorization
    secureJsonData:
      httpHeaderValue1: Token $INFLUX_TOKEN
"""


def provider(folder: str) -> str:
    """YAML of the dashboard provider that shows every board in `folder`, a path where Grafana runs."""
    return f"""apiVersion: 1
providers:
  - name: carbonwatch
    folder: carbonwatch
    type: file
    allowUiUpdates: false
    options:
      path: {_text(folder)}
"""


def _text(value: str) -> str:
    """A YAML string that Grafana takes as it is."""
    return json.dumps(value.replace("$", "$$"), ensure_ascii=False)
