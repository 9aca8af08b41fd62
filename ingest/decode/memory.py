"""What decoding knows besides the message: the births of edge nodes, which name their metrics."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from energy.books import tables as t
from energy.books.open import look

Row = dict[str, Any]
Key = tuple[str, str]
Lack = tuple[str, str, str]  # site, gateway and the birth that is not enough, "" for none
_EDGES = 2000  # kept in memory; the books have all


class Metric(NamedTuple):
    """A metric as a birth named it; alias None where it has none, kind the number of its data type (0: not said)."""

    name: str
    alias: int | None
    kind: int


class Birth:
    """The metrics of an edge node or of one of its devices."""

    __slots__ = ("by_alias", "by_name", "metrics")

    def __init__(self, metrics: tuple[Metric, ...]) -> None:
        """In the order of the birth."""
        self.metrics = metrics
        self.by_alias = {metric.alias: metric for metric in metrics if metric.alias is not None}
        self.by_name = {metric.name: metric for metric in metrics}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Birth) and self.metrics == other.metrics

    def __hash__(self) -> int:
        return hash(self.metrics)


class Edge(msgspec.Struct, frozen=True):
    """What is known of an edge node since its last birth, whose message is number 0.

    boot: a name of that birth, "" before the first; first: its sequence number, and born: its timestamp (ms UTC);
    last: the number of the newest message, and time: the newest timestamp; missing: the numbers before it that have
    not come, as ranges [first, last]; births: by device, the node's own under "".
    lacking: a message spoke of what no birth had named.
    """

    site: str
    gateway: str
    boot: str = ""
    bd_seq: int | None = None
    alive: bool = False
    first: int = 0
    born: int = 0
    last: int = 0
    time: int = 0
    missing: tuple[tuple[int, int], ...] = ()
    lacking: bool = False
    births: Mapping[str, Birth] = {}

    @property
    def whole(self) -> bool:
        """Whether all since the birth has come, so that an alias means what the birth says."""
        return self.alive and not self.missing


class Memory:
    """The edge nodes as the books know them, and what a batch has said since; one owner decides for an edge node."""

    def __init__(self, books: Engine | None = None) -> None:
        """Without books it begins empty."""
        self._books = books
        self._known: dict[Key, Edge] = {}
        self._said: dict[Key, Edge] = {}

    def begin(self) -> None:
        """A batch begins: what was said since `settle` is forgotten, as it will be said again."""
        self._said = {}

    def edge(self, site: str, gateway: str) -> Edge:
        """An edge node as it is by now; a database error when the books do not answer."""
        key = (site, gateway)
        found = self._said.get(key) or self._known.get(key)
        if found is None:
            found = self._known[key] = Edge(site, gateway) if self._books is None else _read(self._books, key)
        return found

    def put(self, edge: Edge) -> None:
        """An edge node is so from here on."""
        self._said[edge.site, edge.gateway] = edge

    def changes(self) -> list[Row]:
        """What was said since `begin`, as plain JSON values for `write`."""
        return [_row(edge, self._known[key]) for key, edge in self._said.items()]

    def settle(self) -> list[Lack]:
        """The changes are in the books; which edge nodes of the batch must be asked for their births."""
        if len(self._known) > _EDGES:
            self._known = {}
        self._known.update(self._said)
        due = [(*key, edge.boot) for key, edge in self._said.items() if edge.lacking or (edge.alive and not edge.whole)]
        self._said = {}
        return due


def write(db: Connection, changes: list[Row]) -> None:
    """Put changes into the books."""
    e, b = t.edge.c, t.edge_birth.c
    for change in changes:
        row = {name: value for name, value in change.items() if name != "births"}
        here = (e.site == row["site"], e.gateway == row["gateway"])
        if db.execute(update(t.edge).where(*here).values(row)).rowcount == 0:
            db.execute(insert(t.edge).values(row))
        for device, metrics in change["births"].items():
            key = {"site": row["site"], "gateway": row["gateway"], "device": device}
            db.execute(delete(t.edge_birth).where(*(b[name] == value for name, value in key.items())))
            if metrics is not None:
                db.execute(insert(t.edge_birth).values(**key, metrics=metrics))


def _row(edge: Edge, before: Edge) -> Row:
    """An edge node's row, with those of its births that are not as before; None for one that is gone."""
    births: dict[str, list[Metric] | None] = dict.fromkeys(before.births.keys() - edge.births.keys())
    births |= {name: list(birth.metrics) for name, birth in edge.births.items() if birth is not before.births.get(name)}
    row = {name: getattr(edge, name) for name in Edge.__struct_fields__}
    return {**row, "missing": [list(pair) for pair in edge.missing], "births": births}


def _read(books: Engine, key: Key) -> Edge:
    e, b = t.edge.c, t.edge_birth.c
    with look(books) as db:
        row = db.execute(select(t.edge).where(e.site == key[0], e.gateway == key[1])).mappings().first()
        births = db.execute(select(b.device, b.metrics).where(b.site == key[0], b.gateway == key[1])).all()
    if row is None:
        return Edge(*key)
    known = {device: Birth(tuple(Metric(*metric) for metric in metrics)) for device, metrics in births}
    missing = tuple((first, last) for first, last in row["missing"])
    return Edge(**{**row, "missing": missing, "births": known})
