"""The second door: who may send for a site that has registered gateways, and who for one that has none."""

import pytest

from energy.errors import InputError
from ingest.doors import OPEN, check

DOORS = {"steel-1": frozenset({"gw-1", "gw-2"}), "shut-1": frozenset[str]()}


@pytest.mark.parametrize(
    ("site", "gateway"), [("steel-1", "gw-1"), ("steel-1", "gw-2"), ("paper-1", "gw-9"), ("paper-1", "gw-1")]
)
def test_who_is_let_in(site: str, gateway: str) -> None:
    check(DOORS, site, gateway)


@pytest.mark.parametrize(
    ("site", "gateway"), [("steel-1", "gw-3"), ("steel-1", "GW-1"), ("steel-1", ""), ("shut-1", "gw-1")]
)
def test_who_is_refused_with_a_reason(site: str, gateway: str) -> None:
    with pytest.raises(InputError) as refused:
        check(DOORS, site, gateway)
    assert refused.value.reason == "gateway_not_let_in"
    assert repr(site) in refused.value.detail
    assert repr(gateway) in refused.value.detail


def test_where_nothing_is_registered_everybody_is_let_in() -> None:
    check(OPEN, "steel-1", "anybody")
