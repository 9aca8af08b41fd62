"""An example of every answer and of every body, for the OpenAPI document."""

from typing import Any

_SITE = {
    "id": "dc-1", "name_zh": "云谷数据中心", "name_en": "Cloud valley data centre", "kind": "data_centre",
    "unit": "cloud-valley", "zone": "Asia/Shanghai",
    "boundary": {"facility": ["dc-facility"], "it": ["dc-it"], "category": "PUE1"},
}  # fmt: skip
_REGION = {"id": "binhai", "name_zh": "滨海新区", "name_en": "Binhai district"}
_UNIT = {
    "id": "cloud-valley", "region": "binhai", "name_zh": "云谷数据有限公司", "name_en": "Cloud Valley Data Ltd.",
    "credit_code": "91320000MA1XXXXX0A",
}  # fmt: skip
_SCOPE = {"units": ["cloud-valley"]}
_ME = {
    "name": "account wang", "role": "energy_manager", "scope": _SCOPE,
    "may": ["act", "enter", "export", "intake", "read", "register"], "sites": ["dc-1"],
}  # fmt: skip
_SESSION = {
    "id": 3, "holder": "account:wang", "address": "10.0.4.17", "created_at": "2026-11-22T01:00:00+00:00",
    "expires_at": "2026-11-29T01:00:00+00:00",
}  # fmt: skip
_ACCOUNT = {
    "name": "wang", "role": "energy_manager", "scope": _SCOPE, "disabled": False,
    "created_at": "2026-11-20T01:00:00+00:00",
}  # fmt: skip
_KEY = {
    "id": 5, "name": "gateway shop", "role": "developer", "scope": _SCOPE, "created_by": "admin key",
    "created_at": "2026-11-20T01:00:00+00:00", "expires_at": "2027-02-18T01:00:00+00:00", "revoked_at": None,
}  # fmt: skip
_NEW_KEY = {**_KEY, "secret": "cw_…"}
_AUDIT = {
    "id": 41, "at": "2026-11-20T03:20:31+00:00", "actor": "account wang", "role": "energy_manager",
    "address": "10.0.4.17", "action": "alert.acknowledge", "target": "alert/1", "site": "dc-1",
    "before": {"state": "active"}, "after": {"state": "acknowledged", "note": "chiller 2 is being cleaned"},
}  # fmt: skip
_METER = {
    "site": "steel-1", "id": "incomer", "name_zh": "总进线", "name_en": "Incomer", "register": "e_kwh", "unit": "kWh",
    "carrier": "electricity", "digits": 8, "decimals": 2, "multiplier": "1", "parent": None, "reports_every": 5,
    "source": "",
}  # fmt: skip
_DOOR = {
    "site": "steel-1", "gateway": "gw-1", "enabled": True, "credential": "5f1c0a9e42b7",
    "created_at": "2026-11-20T01:00:00+00:00", "changed_at": "2026-11-20T01:00:00+00:00",
}  # fmt: skip
_SUM = {"kwh": 4013.5, "amount": 4013.5, "intervals": 96, "missing": 0, "measured": 95, "estimated": 1}
_DAY = {"start": "2026-11-01T00:00:00+08:00", "end": "2026-11-02T00:00:00+08:00"}
_ALERT = {
    "id": 1, "kind": "pue_over_limit", "site": "dc-1", "meter": "", "state": "acknowledged", "late": False,
    "value": 1.34, "limit": 1.3, "unit": "", "excess": 812.4, "since": "2026-11-20T09:00:00+08:00",
    "confirmed": "2026-11-20T11:00:00+08:00", "raised_at": "2026-11-20T11:00:04+08:00",
    "updated_at": "2026-11-20T12:00:04+08:00", "until": None,
    "what": {"zh": "云谷数据中心的 24 小时 PUE 为 1.34，高于限值 1.30，…",
             "en": "Cloud valley data centre: PUE over 24 hours is 1.34, above the limit of 1.30, …"},
    "evidence": {"pue": 1.34, "facility_kwh": 16080.0, "it_kwh": 12000.0, "coverage": 1.0, "estimated_share": 0.0,
                 "window": {"start": "2026-11-19T12:00:00+08:00", "end": "2026-11-20T12:00:00+08:00"},
                 "curve": [[1795147200000, 1.31], [1795150800000, 1.34]]},
    "steps": [{"at": "2026-11-20T11:00:04+08:00", "actor": "carbonwatch", "action": "raise", "note": ""},
              {"at": "2026-11-20T11:20:31+08:00", "actor": "admin key", "action": "acknowledge",
               "note": "chiller 2 is being cleaned"}],
}  # fmt: skip
_LEDGER = {
    "messages": 1200, "undecodable": 1, "received": 9600, "landed": 9590, "duplicate": 6, "conflict": 1, "held": 0,
    "refused": 3,
}  # fmt: skip
_BOOT = {
    "boot": "7f3a", "seq": 1198, "last_seq": 1201, "gaps": [[1199, 1200]], "first_at": "2026-11-22T00:00:01+00:00",
    "last_at": "2026-11-22T02:00:00+00:00",
}  # fmt: skip
_REFUSED = {
    "id": 7, "at": "2026-11-22T01:02:03+00:00", "site": "steel-1", "gateway": "gw-1", "reason": "not_json",
    "detail": "the payload is not JSON", "values": 0, "topic": "ecm/v1/steel-1/gw-1/telemetry", "excerpt": "hello",
    "size": 5,
    "journal": {"worker": "w1", "day": "2026-11-22", "row": 4711, "item": -1},
}  # fmt: skip
_AWAITING = {
    "id": 3, "at": "2026-11-22T01:00:02+00:00", "site": "steel-1", "gateway": "gw-1", "meter": "new-1",
    "time": "2026-11-22T01:00:00+00:00", "ms": 1795309200000, "values": {"p_kw": 12.5}, "quality": "measured",
    "landed_at": None, "journal": {"worker": "w1", "day": "2026-11-22", "row": 4713, "item": 2},
}  # fmt: skip
_CONFLICT = {
    "id": 1, "at": "2026-11-22T01:10:02+00:00", "site": "steel-1", "meter": "incomer",
    "time": "2026-11-22T01:00:00+00:00", "ms": 1795309200000, "quantity": "p_kw", "kept": 411.5, "refused": 412.0,
    "journal": {"worker": "w1", "day": "2026-11-22", "row": 4720, "item": 0},
}  # fmt: skip
_JOURNALED = {
    "worker": "w1", "day": "2026-11-22", "row": 4713, "received_at": "2026-11-22T01:00:02.031000+00:00",
    "ms": 1795309202031, "topic": "ecm/v1/steel-1/gw-1/telemetry", "site": "steel-1", "gateway": "gw-1", "size": 96,
    "sha256": "1f0c6e3f7a0d5b0f6d0f4f6c2b3c1f7d9f6f9a4e8f0b5c1d2e3f405162738495",
    "leaf": "9b74c9897bac770ffc029102a200c5de5b1c0e7d4a6d20c1f3b8c3d2e1f00a1b", "intact": True,
}  # fmt: skip
_HELD = {
    "site": "steel-1", "meter": "new-1", "readings": 12, "first": "2026-11-22T01:00:00+00:00",
    "last": "2026-11-22T01:55:00+00:00",
}  # fmt: skip
_PUE = {
    **_DAY, "pue": 1.2873, "facility_kwh": 15447.6, "it_kwh": 12000.0, "coverage": 1.0, "estimated_share": 0.0,
    "interim": True, "verdict": "meets", "reason": "",
}  # fmt: skip
_PARTS = [
    {"name": "api", "ok": True, "detail": {}, "age_s": 0.0},
    {"name": "ingest", "ok": True, "detail": {"journaled": 1200, "lag_messages": 0}, "age_s": 1.2},
]

_BY_HAND = {
    "site": "steel-1", "meter": "incomer", "reason": "gateway was without power, read off the display",
    "readings": [{"time": "2024-03-22T08:15", "values": {"e_kwh": 10233.25}, "quality": "measured"}],
}  # fmt: skip

METRICS = """# HELP carbonwatch_lag_seconds How long the oldest message that has not landed has waited.
# TYPE carbonwatch_lag_seconds gauge
carbonwatch_lag_seconds 0.2
# HELP carbonwatch_values_total Values (meter, quantity, time) by class: received is the sum of the others and of what \
is held.
# TYPE carbonwatch_values_total counter
carbonwatch_values_total{class="received"} 9600
carbonwatch_values_total{class="landed"} 9590
"""
EXAMPLES: dict[tuple[str, str], Any] = {
    ("get", "/health"): {"status": "ok", "parts": _PARTS},
    ("get", "/metrics"): METRICS,
    ("get", "/sites"): {"items": [_SITE], "next": None},
    ("get", "/sites/{site}"): _SITE,
    ("put", "/sites/{site}"): _SITE,
    ("get", "/meters"): {
        "items": [{**_METER, "pending": 0, "last_reading": "2026-11-22T08:15:00+08:00",
                   "latest": {"time": "2026-11-22T08:15:00+08:00", "values": {"p_kw": 411.5, "e_kwh": 10233.25},
                              "quality": "measured"}}],
        "next": None,
    },
    ("get", "/sites/{site}/meters/{meter}"): _METER,
    ("put", "/sites/{site}/meters/{meter}"): _METER,
    ("get", "/registered-gateways"): {"items": [_DOOR], "next": None},
    ("get", "/sites/{site}/gateways/{gateway}"): _DOOR,
    ("put", "/sites/{site}/gateways/{gateway}"): _DOOR,
    ("get", "/readings"): {
        "items": [{"time": "2026-11-22T08:15:00+08:00", "ms": 1795306500000, "quality": "measured",
                   "values": {"p_kw": 411.5, "e_kwh": 10233.25}}],
        "next": "1795306505000",
    },
    ("get", "/energy"): {
        "site": "steel-1", "meter": "incomer", "unit": "kWh", "from": _DAY["start"], "to": _DAY["end"], "step": "day",
        "total": _SUM, "items": [{**_DAY, **_SUM}], "next": None,
    },
    ("get", "/pue"): {
        "site": "dc-1", "category": "PUE1", "from": _DAY["start"], "to": _DAY["end"],
        "limit": {"value": 1.3, "source": "municipal industrial carbon-peak plan: data centres PUE ≤ 1.3",
                  "verified": True, "valid_from": "1970-01-01T08:00:00+08:00"},
        "items": [_PUE], "next": None,
    },
    ("get", "/alerts"): {"items": [_ALERT], "next": "1"},
    ("get", "/alerts/{ident}"): _ALERT,
    ("post", "/alerts/{ident}/acknowledge"): _ALERT,
    ("post", "/alerts/{ident}/resolve"): {**_ALERT, "state": "resolved"},
    ("get", "/gateways"): {
        "items": [{"site": "steel-1", "gateway": "gw-1", **_BOOT, "ledger": _LEDGER, "boots": [_BOOT]}], "next": None,
    },
    ("get", "/quarantine"): {
        "items": [_REFUSED], "next": None, "reasons": {"not_json": 1}, "conflicts": 0,
        "held": {"count": 12, "meters": [_HELD]},
    },
    ("get", "/ledger"): {
        "items": [{"site": "steel-1", "gateway": "gw-1", "day": "2026-11-22", **_LEDGER}], "next": None,
    },
    ("get", "/held"): {"items": [_AWAITING], "next": None},
    ("get", "/conflicts"): {"items": [_CONFLICT], "next": None},
    ("get", "/journal"): {
        "items": [_JOURNALED], "next": "w1/2026-11-22/4713",
        "holes": [{"worker": "w1", "day": "2026-11-22", "first": 4711, "last": 4712}],
        "cut_short": [{"worker": "manual", "day": "2026-11-21", "last": 3, "landed": 4}],
    },
    ("post", "/console-links"): {"url": "http://127.0.0.1:8080/enter?token=…"},
    ("get", "/regions"): {"items": [_REGION], "next": None},
    ("get", "/regions/{region}"): _REGION,
    ("put", "/regions/{region}"): _REGION,
    ("get", "/units"): {"items": [_UNIT], "next": None},
    ("get", "/units/{unit}"): _UNIT,
    ("put", "/units/{unit}"): _UNIT,
    ("post", "/sessions"): _ME,
    ("get", "/me"): _ME,
    ("get", "/sessions"): {"items": [_SESSION], "next": None},
    ("get", "/accounts"): {"items": [_ACCOUNT], "next": None},
    ("post", "/accounts/{name}"): _ACCOUNT,
    ("patch", "/accounts/{name}"): {**_ACCOUNT, "disabled": True},
    ("get", "/keys"): {"items": [_KEY], "next": "5"},
    ("post", "/keys"): _NEW_KEY,
    ("post", "/keys/{ident}/rotate"): {**_NEW_KEY, "id": 6},
    ("get", "/audit"): {"items": [_AUDIT], "next": "41"},
    ("post", "/manual-readings"): {
        "site": "steel-1", "meter": "incomer", "author": "account wang", "at": "2024-03-23T09:00:00+08:00",
        "reason": _BY_HAND["reason"], "readings": 1, "first": "2024-03-22T08:15:00+08:00",
        "last": "2024-03-22T08:15:00+08:00", "values": 1,
        "journal": {"worker": "manual", "day": "2024-03-23", "row": 1},
    },
}  # fmt: skip
_NOTE = {"note": "chiller 2 is being cleaned"}
BODIES: dict[tuple[str, str], Any] = {
    ("put", "/regions/{region}"): {key: _REGION[key] for key in ("name_zh", "name_en")},
    ("put", "/units/{unit}"): {key: _UNIT[key] for key in ("name_zh", "name_en", "region", "credit_code")},
    ("put", "/sites/{site}"): {key: value for key, value in _SITE.items() if key != "id"},
    ("put", "/sites/{site}/meters/{meter}"): {
        key: value for key, value in _METER.items() if key not in ("site", "id", "unit", "carrier")
    },
    ("put", "/sites/{site}/gateways/{gateway}"): {"enabled": False, "credential": "5f1c0a9e42b7"},
    ("post", "/alerts/{ident}/acknowledge"): _NOTE,
    ("post", "/alerts/{ident}/resolve"): _NOTE,
    ("post", "/sessions"): {"name": "wang", "password": "a long sentence is best"},
    ("post", "/accounts/{name}"): {
        "password": "a long sentence is best", "role": "energy_manager", "scope": _SCOPE,
    },
    ("patch", "/accounts/{name}"): {"disabled": True},
    ("post", "/keys"): {"name": "gateway shop", "role": "developer", "scope": _SCOPE, "days": 90},
    ("post", "/keys/{ident}/rotate"): {"grace_hours": 24, "days": 90},
    ("post", "/manual-readings"): _BY_HAND,
}  # fmt: skip
STREAM = """event: health
data: {"status": "ok", "parts": []}

event: readings
data: [{"site": "dc-1", "meter": "it", "time": "2026-11-22T00:15:00+00:00", "values": {"p_kw": 41.5}, \
"quality": "measured"}]

event: alert
data: {"id": 1, "kind": "pue_over_limit", "state": "active"}
"""
