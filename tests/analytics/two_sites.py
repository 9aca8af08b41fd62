"""Two sites' books, stores and judge in a folder, fed with windows hour by hour."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import insert, select, update

from analytics.judge import Judge
from energy.alert import State
from energy.books import registry
from energy.books import tables as t
from energy.books.open import open_books
from energy.reading import Quality
from energy.registry import Boundary, Meter, Site
from energy.store.port import Point, Series
from energy.store.sqlite import SqliteStore
from energy.window import QUARTER, parse_time
from tests.where_books import books_url

ZONE = "Asia/Shanghai"
HOUR = 4 * QUARTER
DAY = 24 * HOUR
START = parse_time("2026-03-02", ZONE)  # a Monday
Floats = npt.NDArray[np.float64]
STEEL = Site("steel-1", "钢厂", "Steel works")
CENTRE = Site("dc-1", "数据中心", "Data centre", "data_centre", boundary=Boundary(("facility",), ("it",)))
METERS = (
    Meter("steel-1", "compressor", "压缩机", "Compressor", reports_every=900),
    Meter("steel-1", "pump", "水泵", "Pump"),
    Meter("dc-1", "facility", "总用电", "Facility"),
    Meter("dc-1", "it", "IT 用电", "IT", parent="facility"),
    Meter("dc-1", "chiller", "冷机", "Chiller", parent="facility"),
)
NIGHT = 22  # the hour at which the compressor should stop


class TwoSites:
    """Books, stores and a judge; `now` moves with what is fed."""

    def __init__(self, folder: Path) -> None:
        self.books = open_books(books_url(folder))
        self.readings, self.windows = SqliteStore(folder / "readings.db"), SqliteStore(folder / "accounts.db")
        with self.books.begin() as db:
            for site in (STEEL, CENTRE):
                registry.put_site(db, site, "tests", START)
            for meter in METERS:
                registry.put_meter(db, meter, "tests", START)
        self.restart()

    def restart(self) -> None:
        self.judge = Judge(self.books, self.readings, self.windows)

    def feed(self, meter: Meter, amounts: Floats, first: int, last: int, quality: Quality = Quality.MEASURED) -> None:
        """The meter's windows of hours `first` to `last`, `amounts` being per 15 minutes since START, and readings."""
        span = range(4 * first, 4 * last)
        counter = np.concatenate(([0], np.cumsum(amounts)))
        marks = {"quality": float(quality)}
        register = Series("meter", meter.site, meter.id)
        energy = Series("energy", meter.site, meter.id)
        edges = range(4 * first, 4 * last + 1)
        values = [{"e_kwh": float(round(counter[n], 2)), **marks} for n in edges]
        self.readings.write([Point(register, START + n * QUARTER, row) for n, row in zip(edges, values, strict=True)])
        self.windows.write(
            [Point(energy, START + n * QUARTER, {"amount": float(amounts[n]), "part": 0.0, **marks}) for n in span]
        )
        self.due(meter, first)

    def due(self, meter: Meter, first: int) -> None:
        with self.books.begin() as db:
            db.execute(insert(t.due).values(site=meter.site, meter=meter.id, first=START + first * HOUR))

    def step(self, hour: int) -> int:
        return self.judge.step(START + hour * HOUR)

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert with the actions taken, oldest first."""
        with self.books.begin() as db:
            rows = [dict(row) for row in db.execute(select(t.alert).order_by(t.alert.c.id)).mappings()]
            steps = db.execute(select(t.alert_step).order_by(t.alert_step.c.id)).all()
        return [{**row, "steps": [step.action for step in steps if step.alert == row["id"]]} for row in rows]

    def resolve(self, ident: int) -> None:
        with self.books.begin() as db:
            db.execute(update(t.alert).where(t.alert.c.id == ident).values(state=State.RESOLVED))

    def hear(self, at: int) -> None:
        with self.books.begin() as db:
            row = {"site": "steel-1", "meter": "compressor", "received_at": at, "time": at - 5000}
            here = (t.last_heard.c.site == "steel-1", t.last_heard.c.meter == "compressor")
            if db.execute(update(t.last_heard).where(*here).values(row)).rowcount == 0:
                db.execute(insert(t.last_heard).values(row))

    def stored(self, site: str, reading: Mapping[str, Any]) -> list[float]:
        """What the store has of the two readings that an alert's evidence shows of a meter."""
        series = Series("meter", site, reading["meter"])
        return [self.readings.at([(series, reading[end]["ms"])])[series, reading[end]["ms"]]["e_kwh"]
                for end in ("first", "last")]  # fmt: skip

    def close(self) -> None:
        self.readings.close()
        self.windows.close()
        self.books.dispose()


def compressor(days: int, nights: Sequence[int] = (), seed: int = 1) -> Floats:
    """kWh per 15 minutes: at work 06:00 to 22:00 on six days, and from 22:00 to 06:00 of each of the `nights`."""
    hour, day = np.arange(24 * days) % 24, np.arange(24 * days) // 24
    works = (hour >= 6) & (hour < NIGHT) & (day % 7 < 6)
    hourly = np.where(works, 180.0, 4.0) * np.random.default_rng(seed).normal(1, 0.03, 24 * days)
    for night in nights:
        span = slice(24 * night + NIGHT, 24 * night + NIGHT + 8)
        hourly[span] = np.maximum(hourly[span], 150.0)
    return np.asarray(np.round(np.repeat(hourly / 4, 4), 2))


def centre(days: int, worse_from: float, worse_to: float) -> dict[str, Floats]:
    """kWh per 15 minutes of a data centre whose chiller needs far more between two days."""
    day = np.arange(96 * days) / 96
    it = np.round(500 + 20 * np.sin(2 * np.pi * day), 2)
    bad = (day >= worse_from) & (day < worse_to)
    chiller = np.round(it * np.where(bad, 0.36, 0.15), 2)
    return {"it": it, "chiller": chiller, "facility": np.round(it * 1.05 + chiller, 2)}


def meter(name: str) -> Meter:
    return next(one for one in METERS if one.id == name)
