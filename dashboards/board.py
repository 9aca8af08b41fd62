"""What Grafana's boards are made of: panels in rows, their InfluxQL queries, variables, as plain JSON values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

SCHEMA_VERSION = 41  # Grafana 12
COLUMNS = 24
DATASOURCE: Json = {"type": "influxdb", "uid": "carbonwatch"}


@dataclass(frozen=True, slots=True)
class Query:
    """One InfluxQL text with Grafana's macros; `alias` names its series, as in "$tag_site"; a table has none."""

    text: str
    alias: str = ""

    def to_json(self, place: int) -> Json:
        """The query as the target at `place` of a panel."""
        target: Json = {
            "refId": chr(ord("A") + place),
            "datasource": DATASOURCE,
            "rawQuery": True,
            "query": self.text,
            "resultFormat": "time_series" if self.alias else "table",
        }
        return {**target, "alias": self.alias} if self.alias else target


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: its Grafana type, its queries, its size in grid units, and what its look differs in."""

    title: str
    description: str
    kind: str
    queries: Sequence[Query]
    width: int
    height: int
    defaults: Json = field(default_factory=dict)
    options: Json = field(default_factory=dict)
    transformations: Sequence[Json] = ()

    def to_json(self, ident: int, x: int, y: int) -> Json:
        """The panel with its id at a place of the grid."""
        return {
            "id": ident,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "datasource": DATASOURCE,
            "targets": [query.to_json(place) for place, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": self.defaults, "overrides": []},
            "options": self.options,
            "transformations": list(self.transformations),
        }


def lines(unit: str, **custom: Any) -> Json:
    """Field defaults of a time series in `unit`, with no line over what is missing."""
    drawn = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "showPoints": "auto", "spanNulls": False, **custom}
    return {"unit": unit, "custom": drawn}


def bars(unit: str, stacking: str = "none") -> Json:
    """Field defaults of bars in `unit`; stacking is "none", "normal" or "percent"."""
    return lines(unit, drawStyle="bars", fillOpacity=70, stacking={"mode": stacking, "group": "A"})


def limit_line(defaults: Json, below: str, limit: float, above: str) -> Json:
    """The defaults with a line at `limit`, in the colours of the sides of it."""
    out = {**defaults, "thresholds": {"mode": "absolute", "steps": [
        {"color": below, "value": None}, {"color": above, "value": limit},
    ]}}  # fmt: skip
    if "custom" in defaults:
        out["custom"] = {**defaults["custom"], "thresholdsStyle": {"mode": "line"}}
    return out


LEGEND: Json = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
    "tooltip": {"mode": "multi", "sort": "desc"},
}
STAT: Json = {
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    "colorMode": "value",
    "graphMode": "none",
    "textMode": "value_and_name",
    "orientation": "auto",
}


def query_variable(name: str, label: str, text: str) -> Json:
    """A variable of many values that a query lists; all of them at first."""
    return {
        "type": "query", "name": name, "label": label, "datasource": DATASOURCE, "query": text, "definition": text,
        "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": ".*", "hide": 0, "options": [],
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }  # fmt: skip


def choice_variable(name: str, label: str, choices: Sequence[str], chosen: str) -> Json:
    """A variable of one of some values."""
    options = [{"text": each, "value": each, "selected": each == chosen} for each in choices]
    return {
        "type": "custom", "name": name, "label": label, "query": ",".join(choices), "multi": False,
        "includeAll": False, "hide": 0, "options": options,
        "current": {"selected": True, "text": chosen, "value": chosen},
    }  # fmt: skip


def board(uid: str, title: str, zone: str, variables: Sequence[Json], rows: Sequence[Sequence[Panel]]) -> Json:
    """A whole board; each of `rows` begins at the left, under the highest panel of the row before."""
    panels: list[Json] = []
    y = 0
    for row in rows:
        x = 0
        for panel in row:
            panels.append(panel.to_json(len(panels) + 1, x, y))
            x += panel.width
        y += max(panel.height for panel in row)
    return {
        "id": None, "uid": uid, "title": title, "tags": ["carbonwatch"], "schemaVersion": SCHEMA_VERSION, "version": 1,
        "editable": False, "graphTooltip": 1, "timezone": zone, "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"}, "annotations": {"list": []}, "links": [],
        "templating": {"list": list(variables)}, "panels": panels,
    }  # fmt: skip
