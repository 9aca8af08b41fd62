"""What the API takes and gives, with examples."""

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Multiplier = Decimal


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BoundaryBody(_Body):
    """The meters whose sums make a data centre's PUE."""

    facility: list[str] = Field(min_length=1, max_length=200, examples=[["dc-facility"]])
    it: list[str] = Field(min_length=1, max_length=200, examples=[["dc-it"]])
    category: Literal["PUE1", "PUE2", "PUE3"] = "PUE1"


class SiteBody(_Body):
    """A site as it is registered."""

    name_zh: str | None = Field(None, max_length=200, examples=["城东钢厂"])
    name_en: str | None = Field(None, max_length=200, examples=["East steel works"])
    kind: str = Field("plant", max_length=32, examples=["plant"])
    zone: str = Field("Asia/Shanghai", max_length=64, examples=["Asia/Shanghai"])
    boundary: BoundaryBody | None = None


class MeterBody(_Body):
    """A meter as it is registered."""

    name_zh: str | None = Field(None, max_length=200, examples=["总进线"])
    name_en: str | None = Field(None, max_length=200, examples=["Incomer"])
    register_: str | None = Field("e_kwh", alias="register", examples=["e_kwh"])
    digits: int = Field(8, ge=1, le=12)
    decimals: int = Field(2, ge=0, le=6)
    multiplier: Decimal = Field(Decimal(1), gt=0, le=10**9, max_digits=18, examples=["1"])
    parent: str | None = Field(None, max_length=64)
    reports_every: int | None = Field(None, ge=1, le=86_400, description="Seconds; null: no live feed is expected.")
    source: str = Field("", max_length=500)


class NoteBody(_Body):
    """A person's note on what they do."""

    note: str = Field("", max_length=2000, examples=["chiller 2 is being cleaned"])


class Page(BaseModel):
    """A page of a list; `next` is the cursor of the following page, null at the end."""

    model_config = ConfigDict(extra="allow")

    items: list[dict[str, Any]] = Field(
        examples=[[{"id": "steel-1", "name_zh": "城东钢厂", "name_en": "East steel works", "kind": "plant"}]]
    )
    next: str | None = Field(None, examples=["100"])


class Total(BaseModel):
    """A sum over windows: `intervals` of them have a value (measured or estimated), `missing` have none."""

    kwh: float | None = Field(examples=[702345.67])
    amount: float = Field(examples=[702345.67])
    intervals: int = Field(examples=[26208])
    missing: int = Field(examples=[0])
    measured: int = Field(examples=[26208])
    estimated: int = Field(examples=[0])


class EnergyPage(Page):
    """Energy by window, and the total of the whole range whatever the page."""

    site: str
    meter: str | None
    unit: str
    total: Total
