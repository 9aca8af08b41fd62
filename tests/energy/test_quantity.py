"""Every measurable thing has one key, a unit, and a flow of the same carrier."""

from energy.quantity import FLOW_OF, QUANTITIES, REGISTERS, Kind


def test_every_quantity_is_named_in_both_languages_and_has_bounds() -> None:
    assert len({quantity.name_zh for quantity in QUANTITIES.values()}) == len(QUANTITIES)
    assert len({quantity.name_en for quantity in QUANTITIES.values()}) == len(QUANTITIES)
    for key, quantity in QUANTITIES.items():
        assert quantity.key == key
        assert quantity.unit
        assert quantity.low < quantity.high


def test_a_register_counts_from_0_and_its_flow_is_its_unit_per_hour() -> None:
    assert set(FLOW_OF) == set(REGISTERS) - {"er_kvarh"}
    for register, flow in FLOW_OF.items():
        counted, shown = QUANTITIES[register], QUANTITIES[flow]
        assert (counted.kind, counted.low, shown.kind) == (Kind.REGISTER, 0.0, Kind.GAUGE)
        per_hour = "kW" if counted.unit == "kWh" else f"{counted.unit}/h"
        assert (shown.unit, shown.carrier) == (per_hour, counted.carrier)


def test_only_what_is_used_has_a_carrier() -> None:
    assert [key for key in REGISTERS if QUANTITIES[key].carrier is None] == ["e_out_kwh", "er_kvarh", "product_t"]
    assert [key for key in REGISTERS if QUANTITIES[key].carrier == "electricity"] == ["e_kwh"]
