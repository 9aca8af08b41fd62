"""The demo feed over a real broker, and against a really running system."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from energy.broker.paho import PahoBroker
from energy.client import Client
from energy.window import QUARTER, parse_time
from simulators.demo import SEED, Demo, SiteFeed, _anchor, readings_at
from simulators.demo_sites import DemoSite, demo_sites
from simulators.gateway import Gateway
from simulators.noise import DAY

ANCHOR = parse_time("2026-03-02T10:07:11", "Asia/Shanghai")
TICK = ANCHOR // 5000 * 5000
WaitFor = Callable[..., None]


def dc() -> DemoSite:
    return demo_sites(SEED, ANCHOR)[2]


def fed(url: str, site: DemoSite, latest: dict[str, int], ticks: list[int]) -> None:
    gateway = Gateway(PahoBroker(url, "gw", clean=True), site.site.id, "gw-1")
    gateway.start()
    try:
        feed = SiteFeed(site, gateway, latest)
        for tick in ticks:
            while not feed.advance(tick):
                gateway.pump()
                time.sleep(0.05)
        gateway.drain(10)
    finally:
        gateway.stop()


def test_a_first_start_sends_35_days_and_then_live(place: Any, peer: Any) -> None:
    site = dc()
    fed(place.url, site, {}, [TICK, TICK + 5_000])
    got = peer.readings("dc-1")
    for meter in ("facility", "it", "chiller", "crac", "lighting"):
        times = sorted(at for name, at in got if name == meter)
        assert times[:-2] == list(range(site.epoch, TICK, QUARTER))
        assert times[-2:] == [TICK, TICK + 5_000]
        registers = [got[meter, at]["e_kwh"] for at in times]
        assert registers == sorted(registers)
    assert set(got["it", TICK]) == {"e_kwh", "p_kw"}


def test_a_restarted_feed_fills_its_gap_on_the_same_curve(place: Any, peer: Any) -> None:
    before, pause = TICK - 2 * DAY, 3 * DAY
    fed(place.url, dc(), dict.fromkeys(["facility", "it", "chiller", "crac"], before), [TICK])
    first = peer.readings("dc-1")
    newest = {meter: max(at for name, at in first if name == meter) for meter, _ in first}
    fed(place.url, dc(), newest, [TICK + pause])
    got = peer.readings("dc-1")
    site = dc()
    for feed in site.feeds:
        times = sorted(at for name, at in got if name == feed.meter.id)
        edges = [at for at in times if at % QUARTER == 0]
        assert edges == list(range(edges[0], (TICK + pause) // QUARTER * QUARTER + 1, QUARTER))
        assert times[-1] == TICK + pause
        truth = feed.register.at(np.array(times)) / 100
        assert [got[feed.meter.id, at]["e_kwh"] for at in times] == truth.tolist()
    assert min(at for name, at in got if name == "lighting") == site.epoch
    assert min(at for name, at in got if name == "it") > before


def test_a_reading_of_a_time_is_the_same_live_and_as_history() -> None:
    feed = dc().feeds[0]
    edge = TICK // QUARTER * QUARTER
    [alone] = readings_at(feed, np.array([edge]))
    many = readings_at(feed, np.arange(edge - 5 * QUARTER, edge + 1, QUARTER))
    assert alone == many[-1]


def test_steam_and_gas_come_with_their_own_keys() -> None:
    keys = {
        feed.meter.id: set(readings_at(feed, np.array([TICK]))[0].values) for feed in demo_sites(SEED, ANCHOR)[1].feeds
    }
    assert keys["steam"] == {"steam_t", "steam_th"}
    assert keys["gas"] == {"gas_m3", "gas_m3h"}
    assert keys["paper-machine"] == {"e_kwh", "p_kw"}


def test_the_anchor_is_what_the_meters_say_of_the_first_start() -> None:
    said = "carbonwatch demo feed 演示数据, first started 2026-03-02T02:07:11+00:00"
    meters: list[dict[str, Any]] = [
        {"id": "a", "source": said},
        {"id": "b", "source": "read by hand"},
        {"id": "c", "source": None},
    ]
    assert _anchor(meters, ANCHOR + 9 * DAY) == ANCHOR
    assert _anchor(meters[1:], 1_234_567) == 1_234_000
    assert _anchor([{"id": "d", "source": said.replace("02:07:11", "soon")}], 5_000) == 5_000


def test_a_second_feed_of_a_running_system_goes_on_where_the_first_is(system: Any, wait_for: WaitFor) -> None:
    wait_for(lambda: any(meter["id"] == "it" and meter["latest"] for meter in system.client.meters()), 30)
    started = next(meter for meter in system.client.meters("dc-1") if meter["id"] == "it")["source"]
    demo = Demo(system.client, lambda name: PahoBroker(system.mqtt, name, clean=True))
    stop, trouble = threading.Event(), []

    def run() -> None:
        try:
            demo.run(stop)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            trouble.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_for(lambda: demo.state()[1]["stage"] == "live" and demo.state()[1]["unreceipted"] == 0, 30)
        assert demo.state()[0]
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert not trouble
    meters = [meter for site in ("steel-1", "paper-1", "dc-1") for meter in system.client.meters(site)]
    assert len(meters) == 17
    assert {meter["source"] for meter in meters} == {started}
    assert all(item["ledger"]["conflict"] == 0 for item in system.client.gateways("dc-1"))


def test_without_an_api_the_feed_waits_and_says_why(wait_for: WaitFor) -> None:
    demo = Demo(Client("http://127.0.0.1:9", "key"), lambda name: pytest.fail(f"{name} is not to be started"))
    stop = threading.Event()
    thread = threading.Thread(target=demo.run, args=(stop,))
    thread.start()
    wait_for(lambda: not demo.state()[0])
    assert "does not answer" in str(demo.state()[1]["reason"])
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
