"""The national platform's data message beyond its golden cases: ceilings, dated codes, and fuzz."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.errors import InputError
from energy.quantity import QUANTITIES
from ingest.decode import national
from ingest.decode.memory import Memory
from ingest.decode.message import Message
from ingest.decode.national import National
from ingest.decode.national_code import ENERGY_TYPES, EnergyType, target
from ingest.decode.port import Address
from tests.ingest.decode.test_json_v1 import anything, check_message

fuzz = settings(max_examples=200, deadline=None, derandomize=True)
ADDRESS = Address("steel-1", "gw-1", "national")
ENTRY = {
    "dataCode": "01-02-0304-023300-05", "dataValue": 10233.25, "inputType": 4, "statType": 0,
    "statDate": "2026-11-22 08:15:00", "uploadDate": "2026-11-22 08:16:02", "scope": 1, "valid": 1,
}  # fmt: skip


def decode(payload: bytes) -> Message:
    return National().decode(ADDRESS, payload, Memory())


def message(*entries: object, **more: object) -> bytes:
    return json.dumps({"deviceId": "d", "enterpriseCode": "e", "data": entries, **more}).encode()


def test_the_ceilings_hold_exactly() -> None:
    body = message(ENTRY)
    full = body + b" " * (national.MAX_BYTES - len(body))
    assert len(decode(full).items) == 1
    with pytest.raises(InputError, match=r"^too_large: 262145 bytes"):
        decode(full + b" ")
    assert len(decode(gzip.compress(message(*[0] * national.MAX_ENTRIES))).items) == national.MAX_ENTRIES
    with pytest.raises(InputError, match=r"^too_large: 20001 entries"):
        decode(gzip.compress(message(*[0] * (national.MAX_ENTRIES + 1))))
    assert decode(gzip.compress(body + b" " * (national.MAX_UNPACKED - len(body)))).items == decode(body).items
    with pytest.raises(InputError, match=r"^too_large: unpacks to more"):
        decode(gzip.compress(body + b" " * (national.MAX_UNPACKED + 1 - len(body))))


def test_nesting_at_every_depth_is_answered() -> None:
    for depth in [*range(10, 1100, 13), *range(950, 1010), 20_000]:
        nest = b"[" * depth + b"]" * depth
        check_promises(b'{"deviceId":"d","enterpriseCode":"e","data":[{"dataCode":' + nest + b"}]}")
        check_promises(b'{"deviceId":"d","enterpriseCode":"e","data":[' + nest + b"]}")


def test_codes_are_dated_and_not_one_is_said_to_be_verified() -> None:
    rows = (*ENERGY_TYPES, EnergyType("3300", "er_kvarh", "2026-01-01", "a later edition", verified=True))
    assert target("0102030402330005", "2025-12-31", rows) == ("0102030402330005", "e_kwh")
    assert target("0102030402330005", "2026-01-01", rows) == ("0102030402330005", "er_kvarh")
    assert not any(row.verified for row in ENERGY_TYPES)
    assert {row.quantity for row in ENERGY_TYPES} <= QUANTITIES.keys()
    assert all(row.source for row in ENERGY_TYPES)


def check_promises(payload: bytes) -> None:
    """Nothing but InputError is raised, and what is taken can be used."""
    head = National().head(ADDRESS, payload)
    try:
        said = decode(payload)
    except InputError as error:
        (error.reason + error.detail).encode()
        return
    check_message(said)
    assert head == ((said.boot, said.seq) if said.boot and said.seq else None)


entries = st.fixed_dictionaries({key: st.just(value) | anything for key, value in ENTRY.items()}) | anything


@fuzz
@given(st.lists(entries, max_size=4), st.booleans())
def test_any_entries_are_taken_or_refused(data: list[Any], ascii_only: bool) -> None:
    body = {"deviceId": "d", "enterpriseCode": "e", "boot": "b", "seq": 1, "data": data}
    check_promises(json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@fuzz
@given(st.data())
def test_any_bytes_are_taken_or_refused(data: st.DataObject) -> None:
    check_promises(data.draw(st.binary(max_size=300)))
    check_promises(gzip.compress(data.draw(st.binary(max_size=300))))
    payload = bytearray(message(ENTRY, ENTRY))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload) - 4))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check_promises(bytes(payload))


@pytest.mark.parametrize("digits", [20, 40, 400, 5000])
def test_whole_numbers_of_any_length(digits: int) -> None:
    long = b"1" + b"0" * (digits - 1)
    for key in (b"dataValue", b"statType", b"inputType", b"valid", b"dataCode"):
        plain = json.dumps({k: v for k, v in ENTRY.items() if k != key.decode()}).encode()
        entry = plain[:-1] + b',"' + key + b'":' + long + b"}"
        check_promises(b'{"deviceId":"d","enterpriseCode":"e","data":[' + entry + b"]}")
