"""Every measurable thing once: its key on the wire, name, unit, kind and bounds."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How values of a quantity are to be read."""

    GAUGE = "gauge"  # a state at a moment
    REGISTER = "register"  # a cumulative count; only differences mean something


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measurable thing; `low` and `high` are inclusive bounds in `unit` for one meter."""

    key: str
    name_zh: str
    name_en: str
    unit: str
    kind: Kind
    low: float
    high: float
    carrier: str | None = None


_ALL = (
    Quantity("p_kw", "有功功率", "active power", "kW", Kind.GAUGE, -5e6, 5e6, "electricity"),
    Quantity("q_kvar", "无功功率", "reactive power", "kvar", Kind.GAUGE, -5e6, 5e6, "electricity"),
    Quantity("pf", "功率因数", "power factor", "1", Kind.GAUGE, -1.0, 1.0),
    Quantity("u_v", "电压", "voltage", "V", Kind.GAUGE, 0.0, 1e6),
    Quantity("i_a", "电流", "current", "A", Kind.GAUGE, -1e6, 1e6),
    Quantity("e_kwh", "正向有功电能", "active energy, import", "kWh", Kind.REGISTER, 0.0, 1e13, "electricity"),
    # No carrier: what is delivered is not used, and no total may count it as if it were.
    Quantity("e_out_kwh", "反向有功电能", "active energy, export", "kWh", Kind.REGISTER, 0.0, 1e13),
    Quantity("p_out_kw", "反向有功功率", "active power, export", "kW", Kind.GAUGE, 0.0, 5e6),
    Quantity("er_kvarh", "正向无功电能", "reactive energy, import", "kvarh", Kind.REGISTER, 0.0, 1e13),
    Quantity("steam_t", "蒸汽累计流量", "steam, cumulative", "t", Kind.REGISTER, 0.0, 1e10, "steam"),
    Quantity("steam_th", "蒸汽瞬时流量", "steam flow", "t/h", Kind.GAUGE, 0.0, 1e5, "steam"),
    Quantity("gas_m3", "天然气累计流量", "natural gas, cumulative", "m3", Kind.REGISTER, 0.0, 1e12, "natural_gas"),
    Quantity("gas_m3h", "天然气瞬时流量", "natural gas flow", "m3/h", Kind.GAUGE, 0.0, 1e7, "natural_gas"),
    Quantity("water_m3", "水累计流量", "water, cumulative", "m3", Kind.REGISTER, 0.0, 1e12, "water"),
    Quantity("water_m3h", "水瞬时流量", "water flow", "m3/h", Kind.GAUGE, 0.0, 1e7, "water"),
    Quantity(
        "air_m3", "压缩空气累计流量", "compressed air, cumulative", "m3", Kind.REGISTER, 0.0, 1e12, "compressed_air"
    ),
    Quantity("air_m3h", "压缩空气瞬时流量", "compressed air flow", "m3/h", Kind.GAUGE, 0.0, 1e7, "compressed_air"),
    Quantity("coal_t", "原煤累计用量", "coal, cumulative", "t", Kind.REGISTER, 0.0, 1e10, "coal"),
    Quantity("coal_th", "给煤量", "coal feed", "t/h", Kind.GAUGE, 0.0, 1e5, "coal"),
    Quantity("product_t", "产品累计产量", "production, cumulative", "t", Kind.REGISTER, 0.0, 1e10),
    Quantity("product_th", "小时产量", "production rate", "t/h", Kind.GAUGE, 0.0, 1e5),
    Quantity("temp_c", "温度", "temperature", "°C", Kind.GAUGE, -273.15, 3000.0),
)

QUANTITIES: dict[str, Quantity] = {q.key: q for q in _ALL}
REGISTERS: tuple[str, ...] = tuple(q.key for q in _ALL if q.kind is Kind.REGISTER)
# The gauge that shows the flow of a register's carrier, for live views.
FLOW_OF: dict[str, str] = {
    "e_kwh": "p_kw",
    "e_out_kwh": "p_out_kw",
    "steam_t": "steam_th",
    "gas_m3": "gas_m3h",
    "water_m3": "water_m3h",
    "air_m3": "air_m3h",
    "coal_t": "coal_th",
    "product_t": "product_th",
}
