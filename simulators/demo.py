"""The demo feed: three sites whose gateways send 35 days of history, fill their own gaps, and go on live."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from energy.broker.port import Broker
from energy.client import Client
from energy.errors import InputError, OutsideError
from energy.reading import Reading
from energy.window import QUARTER, floor_quarter, parse_time, to_text
from simulators.demo_sites import PERIOD, DemoSite, MeterFeed, demo_sites
from simulators.gateway import Gateway, new_boot
from simulators.noise import DAY, Ints
from simulators.registering import register
from simulators.source import COUNTS_PER_UNIT

_log = logging.getLogger(__name__)
GATEWAY = "gw-1"
SEED = 20
_NOTE = "carbonwatch demo feed 演示数据, first started {}"
_ANCHOR = re.compile(r"demo feed.*first started (\S+)")
_RETRY = 2.0  # s
_CHUNK = 2 * DAY  # ms of history made and sent at a time
_ROOM = 30  # messages that a chunk may need


def now_ms() -> int:
    """The wall clock, ms UTC."""
    return time.time_ns() // 1_000_000


class SiteFeed:
    """One site's readings, sent in the order of time from each meter's newest stored reading on."""

    def __init__(self, site: DemoSite, gateway: Gateway, latest: dict[str, int]) -> None:
        """`latest`: meter → time of its newest stored reading, ms UTC; a meter without one begins at the epoch."""
        self._feeds, self._gateway = site.feeds, gateway
        self._done = {feed.meter.id: max(latest.get(feed.meter.id, 0), site.epoch - 1) for feed in site.feeds}

    def advance(self, now: int) -> bool:
        """Send what is due up to `now` as far as the gateway has room; False when some of it has to wait."""
        while self._gateway.room > _ROOM:
            upto = min(now, min(self._done.values()) + _CHUNK)
            readings = [reading for feed in self._feeds for reading in self._due(feed, upto, live=upto == now)]
            self._gateway.send(sorted(readings, key=lambda reading: reading.time))
            for meter, done in self._done.items():
                self._done[meter] = max(done, upto)
            if upto >= now:
                return True
        return False

    def _due(self, feed: MeterFeed, upto: int, *, live: bool) -> list[Reading]:
        """The quarter hours after the last sent time up to `upto`, and `upto` itself when it is the present."""
        done = self._done[feed.meter.id]
        times = np.arange(floor_quarter(done) + QUARTER, upto + 1, QUARTER, dtype=np.int64)
        if live and upto > done and upto % QUARTER:
            times = np.append(times, upto)
        return readings_at(feed, times) if len(times) else []


def readings_at(feed: MeterFeed, times: Ints) -> list[Reading]:
    """Register and flow at `times` (ms UTC, ascending); on a quarter hour the flow is the mean of the one that ends.

    The same time always gives the same reading, whether it is sent live or as history.
    """
    counts = feed.register.at(times)
    mean = feed.source.counts((times - 1) // QUARTER) * (4 / COUNTS_PER_UNIT)
    flow = np.round(np.where(times % QUARTER == 0, mean, feed.source.flow(times)), 2)
    register = feed.meter.register or "e_kwh"
    return [
        Reading(feed.meter.id, at, {register: count / COUNTS_PER_UNIT, feed.flow_key: power})
        for at, count, power in zip(times.tolist(), counts.tolist(), flow.tolist(), strict=True)
    ]


class Demo:
    """The whole feed; `run` is its loop, `state` may be asked from another thread."""

    def __init__(
        self,
        client: Client,
        connect: Callable[[str], Broker],
        *,
        clock: Callable[[], int] = now_ms,
        seed: int = SEED,
    ) -> None:
        """`connect`: client id → a broker that is not started yet; `clock` gives ms UTC."""
        self._client, self._connect, self._clock, self._seed = client, connect, clock, seed
        self._gateways: list[Gateway] = []
        self._stage, self._trouble = "registering", ""

    def run(self, stop: threading.Event) -> None:
        """Register the sites, send what is missing, and go on live every 5 s until `stop` is set.

        While the API does not answer, it is asked again; InputError or SetupError when it refuses.
        """
        prepared = self._prepare(stop)
        self._gateways = [
            Gateway(self._connect(f"demo-{site.site.id}-{new_boot()}"), site.site.id, GATEWAY) for site, _ in prepared
        ]
        feeds = [
            SiteFeed(site, gateway, latest) for (site, latest), gateway in zip(prepared, self._gateways, strict=True)
        ]
        for gateway in self._gateways:
            gateway.start()
        try:
            self._loop(feeds, stop)
        finally:
            for gateway in self._gateways:
                gateway.stop()

    def state(self) -> tuple[bool, dict[str, object]]:
        """Whether the feed is well, and its stage, messages sent and messages without a receipt."""
        trouble = self._trouble
        if not trouble and any(gateway.stalled for gateway in self._gateways):
            trouble = "no receipts from the system"
        detail: dict[str, object] = {
            "stage": self._stage,
            "messages": sum(gateway.last_seq for gateway in self._gateways),
            "unreceipted": sum(gateway.unreceipted for gateway in self._gateways),
        }
        return not trouble, {**detail, "reason": trouble} if trouble else detail

    def _loop(self, feeds: list[SiteFeed], stop: threading.Event) -> None:
        period = PERIOD * 1000
        behind, sent = True, 0
        while not stop.is_set():
            tick = self._clock() // period * period
            if behind or tick > sent:
                done = [feed.advance(tick) for feed in feeds]
                behind, sent = not all(done), tick
                self._stage = "filling" if behind else "live"
            for gateway in self._gateways:
                gateway.pump()
            stop.wait(0.2 if behind else min(0.5, max(0.01, (tick + period - self._clock()) / 1000)))

    def _prepare(self, stop: threading.Event) -> list[tuple[DemoSite, dict[str, int]]]:
        """The registered sites, each with the times of its meters' newest readings."""
        while not stop.is_set():
            try:
                anchor = _anchor(self._client.meters(), self._clock())
                sites = demo_sites(self._seed, anchor, _NOTE.format(to_text(anchor)))
                prepared = [(site, _register(self._client, site)) for site in sites]
            except OutsideError as error:
                self._trouble = f"the API does not answer: {error}"
                _log.warning("demo feed waits: %s", self._trouble)
                stop.wait(_RETRY)
            else:
                self._trouble = ""
                return prepared
        return []


def _anchor(meters: Iterable[Mapping[str, object]], now: int) -> int:
    """The demo's first start, as its meters' `source` says; now when there is none."""
    started = []
    for meter in meters:
        found = _ANCHOR.search(str(meter.get("source") or ""))
        if found:
            try:
                started.append(parse_time(found[1], "UTC"))
            except InputError:
                _log.warning("meter %s: its source no longer says when the demo was first started", meter["id"])
    return min(started, default=now // 1000 * 1000)


def _register(client: Client, site: DemoSite) -> dict[str, int]:
    """Register what is not there yet; meter → time of its newest stored reading, ms UTC."""
    name, zone = site.site.id, site.site.zone
    register(client, site.site, [feed.meter for feed in site.feeds])
    newest = {}
    for meter in client.meters(name):
        # `latest` may be limited to what is live; `last_reading`, where it is given, is not.
        latest = meter.get("latest")
        text = meter.get("last_reading") or (latest["time"] if latest else None)
        if text:
            newest[str(meter["id"])] = parse_time(text, zone)
    return newest
