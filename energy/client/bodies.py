"""What the API takes, as types; every key may be left out unless it is said otherwise."""

from typing import NotRequired, TypedDict


class BoundaryBody(TypedDict):
    """The meters whose sums make a data centre's PUE; `category` is "PUE1" where it is not given."""

    facility: list[str]
    it: list[str]
    category: NotRequired[str]


class NamesBody(TypedDict, total=False):
    """Names in Chinese and English; the id stands in for what is not given."""

    name_zh: str | None
    name_en: str | None


class RegionBody(NamesBody):
    """A region."""


class UnitBody(NamesBody, total=False):
    """An energy-using unit; `region` is a region's id, "default" where it is not given."""

    region: str
    credit_code: str | None


class SiteBody(NamesBody, total=False):
    """A site; without `unit` it stays in its own, or is of the default one."""

    kind: str
    unit: str | None
    zone: str
    boundary: BoundaryBody | None


class ReadingBody(TypedDict):
    """A reading entered by hand; `time` is of the site without an offset, `values` quantity → value in its unit.

    `quality` is "measured" or, where it is not given, "estimated".
    """

    time: str
    values: dict[str, float]
    quality: NotRequired[str]


class MeterBody(NamesBody, total=False):
    """A meter; `multiplier` is a decimal as text, `reports_every` in seconds."""

    register: str | None
    digits: int
    decimals: int
    multiplier: str
    parent: str | None
    reports_every: int | None
    source: str
