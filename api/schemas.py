"""What the API takes and gives, with examples."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from energy.access import Role

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
    unit: str | None = Field(None, max_length=64, examples=["default"], description="null: as before, or default.")
    zone: str = Field("Asia/Shanghai", max_length=64, examples=["Asia/Shanghai"])
    boundary: BoundaryBody | None = None


class MeterBody(_Body):
    """A meter as it is registered."""

    name_zh: str | None = Field(None, max_length=200, examples=["总进线"])
    name_en: str | None = Field(None, max_length=200, examples=["Incomer"])
    register_: str | None = Field("e_kwh", max_length=32, alias="register", examples=["e_kwh"])
    digits: int = Field(8, ge=1, le=12)
    decimals: int = Field(2, ge=0, le=6)
    multiplier: Decimal = Field(Decimal(1), gt=0, le=10**9, max_digits=18, examples=["1"])
    parent: str | None = Field(None, max_length=64)
    reports_every: int | None = Field(None, ge=1, le=86_400, description="Seconds; null: no live feed is expected.")
    source: str = Field("", max_length=500)


class NoteBody(_Body):
    """A person's note on what they do."""

    note: str = Field("", max_length=2000, examples=["chiller 2 is being cleaned"])


class ManualReading(_Body):
    """What one meter showed at one moment, as somebody read it off or reckons it to have been."""

    time: str = Field(max_length=64, examples=["2026-11-22T08:15"], description="Site time without an offset.")
    values: dict[str, Annotated[float, Field(strict=True, allow_inf_nan=False)]] = Field(
        min_length=1, max_length=20, examples=[{"e_kwh": 10233.25}], description="Quantity → value in its unit."
    )
    quality: Literal["measured", "estimated"] = "estimated"


class ManualBody(_Body):
    """Readings of one meter as they are entered by hand."""

    site: str = Field(max_length=64, examples=["steel-1"])
    meter: str = Field(max_length=64, examples=["incomer"])
    reason: str = Field(min_length=1, max_length=500, examples=["gateway was without power, read off the display"])
    readings: list[ManualReading] = Field(min_length=1, max_length=10_000)


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
    amount: float | None = Field(examples=[702345.67], description="null where no window has a value.")
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


class DoorBody(_Body):
    """A gateway as it is registered."""

    enabled: bool = Field(True, description="Whether it may send.")
    credential: str | None = Field(
        None, pattern=r"^[0-9a-f]{0,16}$", examples=["5f1c0a9e42b7"],
        description="A digest by which the password in use is told from an older one; null: as before.",
    )  # fmt: skip


class RegionBody(_Body):
    """A region as it is made."""

    name_zh: str | None = Field(None, max_length=200, examples=["滨海新区"])
    name_en: str | None = Field(None, max_length=200, examples=["Binhai district"])


class UnitBody(_Body):
    """An energy-using unit as it is made."""

    name_zh: str | None = Field(None, max_length=200, examples=["滨海钢铁有限公司"])
    name_en: str | None = Field(None, max_length=200, examples=["Binhai Steel Ltd."])
    region: str = Field("default", max_length=64, examples=["default"])
    credit_code: str | None = Field(None, pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$", examples=["91320000MA1XXXXX0A"])


class ScopeBody(_Body):
    """What somebody is bound to, at the level of the role: regions, units or sites; or everything."""

    everything: bool = False
    regions: list[str] = Field([], max_length=1000)
    units: list[str] = Field([], max_length=1000, examples=[["default"]])
    sites: list[str] = Field([], max_length=1000)


class AccountBody(_Body):
    """A person's account as it is made."""

    password: SecretStr = Field(max_length=1000, examples=["a long sentence is best"])
    role: Role
    scope: ScopeBody


class AccountChange(_Body):
    """What is to be changed of an account; role and scope together."""

    password: SecretStr | None = Field(None, max_length=1000)
    disabled: bool | None = None
    role: Role | None = None
    scope: ScopeBody | None = None


class KeyBody(_Body):
    """An API key as it is made."""

    name: str = Field(min_length=1, max_length=64, examples=["gateway shop"])
    role: Role
    scope: ScopeBody
    days: int = Field(90, ge=1, le=730, description="How long it is good for.")


class RotateBody(_Body):
    """How a key is replaced."""

    grace_hours: int = Field(24, ge=0, le=720, description="How long the old secret is still good.")
    days: int = Field(90, ge=1, le=730, description="How long the new one is good for.")


class SignInBody(_Body):
    """A name and password."""

    name: str = Field(max_length=64, examples=["wang"])
    password: SecretStr = Field(max_length=1000)
