"""A plant's books, stores and accounts in a folder of their own, for tests that land readings as ingest would."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, insert, select

from analytics.accounts import Accounts
from energy.books import registry
from energy.books import tables as t
from energy.books.open import open_books
from energy.reading import Quality
from energy.registry import Boundary, Meter, Site
from energy.store.port import Point, Series
from energy.store.sqlite import SqliteStore
from energy.window import parse_time
from tests.where_books import books_url

T0 = parse_time("2026-03-02", "Asia/Shanghai")
FOR_EVER = 2**62
FIGURES = {"amount", "kwh", "facility_kwh", "it_kwh"}
Windows = dict[int, dict[str, float]]


class Plant:
    """Books and two stores in a folder, and the accounts over them."""

    def __init__(self, folder: Path, *meters: Meter, boundary: Boundary | None = None) -> None:
        self.books: Engine = open_books(books_url(folder))
        self.readings, self.windows = SqliteStore(folder / "readings.db"), SqliteStore(folder / "accounts.db")
        self.accounts = Accounts(self.books, self.readings, self.windows)
        with self.books.begin() as db:
            registry.put_site(db, Site("steel-1", "钢厂", "Steel works", boundary=boundary), "tests", T0)
        for meter in meters:
            self.register(meter)

    def register(self, meter: Meter) -> None:
        with self.books.begin() as db:
            registry.put_meter(db, meter, "tests", T0)

    def land(self, meter: Meter, values: Mapping[int, float], quality: Quality = Quality.MEASURED) -> None:
        """Values by time, as landing would: stored, then touched."""
        series = Series("meter", meter.site, meter.id)
        fields = [(time, {str(meter.register): value, "quality": float(quality)}) for time, value in values.items()]
        self.readings.write([Point(series, time, row) for time, row in fields])
        with self.books.begin() as db:
            row = {"site": meter.site, "meter": meter.id, "first": min(values), "last": max(values)}
            db.execute(insert(t.touched), [row])

    def energy(self, meter: Meter, measurement: str = "energy") -> Windows:
        """Every window of a meter, or of its site, with the figures that count."""
        name = "" if measurement in ("site", "pue") else meter.id
        fields = ("amount", "part", "quality", "kwh", "meters", "expected", "facility_kwh", "it_kwh")
        frame = self.windows.read(Series(measurement, meter.site, name), fields, 0, FOR_EVER)
        rows: Windows = {}
        for at, time in enumerate(frame.times.tolist()):
            row = {name: float(column[at]) for name, column in frame.values.items() if column[at] == column[at]}
            known = row["quality"] < Quality.MISSING or row.get("meters", 0) > 0
            rows[time] = row if known else {name: row[name] for name in row if name not in FIGURES}
        return rows

    def touched(self) -> int:
        with self.books.begin() as db:
            return len(db.execute(select(t.touched)).all())

    def due(self) -> list[tuple[str, int]]:
        with self.books.begin() as db:
            return [(row.meter, row.first) for row in db.execute(select(t.due))]

    def close(self) -> None:
        self.readings.close()
        self.windows.close()
        self.books.dispose()


@contextmanager
def plant(*meters: Meter, boundary: Boundary | None = None) -> Iterator[Plant]:
    with TemporaryDirectory() as folder:
        made = Plant(Path(folder), *meters, boundary=boundary)
        try:
            yield made
        finally:
            made.close()
