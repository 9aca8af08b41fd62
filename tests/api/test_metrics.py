"""Prometheus' figures are the lists' own, in the text format's grammar, and of a key's sites only."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.metrics import KIND, Family, exposition
from energy.books import parts
from tests.api.served import Served, served
from tests.api.world import HOLDERS, World, build

_LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)')
_LABEL = re.compile(r'([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"')
Sample = tuple[str, tuple[tuple[str, str], ...]]


def parsed(text: str) -> dict[Sample, float]:
    """Name and labels → value; AssertionError for what Prometheus would not read, or reads twice."""
    found: dict[Sample, float] = {}
    typed: set[str] = set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge")
            assert name not in typed
            assert (kind == "counter") == name.endswith("_total"), name
            typed.add(name)
        elif not line.startswith("# HELP "):
            match = _LINE.fullmatch(line)
            assert match, line
            assert match[1] in typed, line
            key = match[1], tuple(_LABEL.findall(match[2] or ""))
            assert key not in found
            found[key] = float(match[3])
    return found


def scraped(one: Served) -> dict[Sample, float]:
    answer = one.http.get("/api/v1/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == KIND
    return parsed(answer.text)


def test_counts_are_those_of_the_lists(known: Served) -> None:
    found, sums = scraped(known), Counter[str]()
    for day in known.get("/ledger", limit=10_000)["items"]:
        sums.update({key: value for key, value in day.items() if isinstance(value, int)})
    for name in ("received", "landed", "duplicate", "conflict", "refused"):
        assert found["carbonwatch_values_total", (("class", name),)] == sums[name]
    assert found["carbonwatch_values_held", ()] == sums["held"]
    assert found["carbonwatch_messages_total", ()] == sums["messages"]
    assert sums["received"] > 0
    assert found["carbonwatch_messages_undecodable_total", ()] == sums["undecodable"]
    reasons = known.get("/quarantine")["reasons"]
    assert {key[1][0][1]: value for key, value in found.items() if key[0] == "carbonwatch_quarantined_total"} == reasons
    alerts = Counter((one["kind"], one["state"]) for one in known.get("/alerts", limit=10_000)["items"])
    assert {
        tuple(label[1] for label in key[1]): value
        for key, value in found.items()
        if key[0] == "carbonwatch_alerts_open"
    } == {key: number for key, number in alerts.items() if key[1] != "resolved"}


def test_what_ingest_says_and_how_the_parts_are(fresh: Served) -> None:
    said: dict[str, Any] = {"lag_messages": 7, "lag_s": 12.5, "journaled": 10, "landed_messages": 3, "broker": False,
                            "store_errors": 2, "wal_bytes": 4096, "reason": "no connection to the broker"}  # fmt: skip
    with fresh.context.books.begin() as db:
        parts.say(db, "ingest", ok=False, detail=said, now=fresh.context.now())
    found = scraped(fresh)
    assert found["carbonwatch_lag_messages", ()] == 7
    assert found["carbonwatch_lag_seconds", ()] == 12.5
    assert found["carbonwatch_ingest_received_messages_total", ()] == 10
    assert found["carbonwatch_ingest_landed_messages_total", ()] == 3
    assert found["carbonwatch_store_errors_total", ()] == 2
    assert found["carbonwatch_wal_bytes", ()] == 4096
    assert found["carbonwatch_broker_connected", ()] == 0
    assert ("carbonwatch_journal_bytes", ()) not in found, "ingest did not say it"
    up = {key[1][0][1]: value for key, value in found.items() if key[0] == "carbonwatch_up"}
    assert up == {"api": 1, "books": 1, "disk": 1, "store": 1, "ingest": 0}


def test_labels_are_escaped() -> None:
    text = exposition([Family("x", "gauge", "Of x.", (({"a": 'q"b\\c\nd'}, 0.25), ({}, 2e20)))])
    assert text.splitlines()[2:] == ['x{a="q\\"b\\\\c\\nd"} 0.25', "x 200000000000000000000"]
    parsed(text)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with served(tmp_path_factory.mktemp("metrics")) as one:
        yield build(one)


def test_a_bound_key_counts_its_own_sites_only(world: World) -> None:
    held = HOLDERS["operator-two"]
    found = parsed(world.ask("operator-two", "GET", "/api/v1/metrics").text)
    reasons = {key[1][0][1] for key in found if key[0] == "carbonwatch_quarantined_total"}
    assert reasons == {f"odd_{site}" for site in held.sites}
    assert found["carbonwatch_alerts_open", (("kind", "off_profile"), ("state", "active"))] == len(held.sites)
    every = parsed(world.ask("auditor", "GET", "/api/v1/metrics").text)
    assert every["carbonwatch_alerts_open", (("kind", "off_profile"), ("state", "active"))] == 5


def test_where_prometheus_looks_by_itself_it_is_led_on(known: Served, tmp_path: Path) -> None:
    assert known.bare.get("/metrics", follow_redirects=True).status_code == 401
    answer = known.http.get("/metrics", follow_redirects=True)
    assert (answer.status_code, answer.headers["content-type"]) == (200, KIND)
