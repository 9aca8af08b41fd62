"""A stored point of a meter as the API shows it."""

from collections.abc import Mapping
from typing import Any

from energy.reading import Quality


def shown(fields: Mapping[str, float]) -> dict[str, Any]:
    """`values` by quantity, and `quality`, which says how far they can be trusted.

    >>> shown({"p_kw": 411.5, "quality": 1.0})
    {'values': {'p_kw': 411.5}, 'quality': 'estimated'}
    """
    values = {name: value for name, value in fields.items() if name != "quality"}
    return {"values": values, "quality": Quality(int(fields.get("quality", 0))).name.lower()}
