"""Whether a JSON value is what a type says: every key that is promised, and none that is not."""

from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict


def check(value: Any, wanted: Any, where: str) -> None:
    """AssertionError with the place where the value is not of the type."""
    origin, args = get_origin(wanted), get_args(wanted)
    if wanted is Any or (origin is dict and args[1] is Any):
        assert wanted is Any or isinstance(value, dict), where
    elif origin in (Union, UnionType):
        if value is None:
            assert NoneType in args, f"{where} is null"
        else:
            [one] = [arg for arg in args if arg is not NoneType]
            check(value, one, where)
    elif origin is list:
        assert isinstance(value, list), where
        for index, item in enumerate(value):
            check(item, args[0], f"{where}[{index}]")
    elif origin is dict:
        assert isinstance(value, dict), where
        for key, item in value.items():
            check(item, args[1], f"{where}.{key}")
    elif is_typeddict(wanted):
        _check_keys(value, wanted, where)
    elif wanted is float:
        assert isinstance(value, int | float), where
        assert not isinstance(value, bool), where
    else:
        assert isinstance(value, wanted), f"{where} is {value!r}, not {wanted}"


def _check_keys(value: Any, wanted: Any, where: str) -> None:
    hints = get_type_hints(wanted)
    assert isinstance(value, dict), where
    assert wanted.__required_keys__ <= value.keys(), f"{where} lacks {wanted.__required_keys__ - value.keys()}"
    assert value.keys() <= hints.keys(), f"{where} has {value.keys() - hints.keys()} besides"
    for key, item in value.items():
        check(item, hints[key], f"{where}.{key}")
