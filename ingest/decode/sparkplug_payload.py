"""The payload of Sparkplug B: protobuf bytes → what is in them, by a schema that has only what is read here."""

from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from energy.errors import InputError
from ingest.decode.unpack import unpack

MAX_BYTES = 256 * 1024
MAX_UNPACKED = 1024 * 1024
MAX_METRICS = 20_000
COMPRESSED = "SPBV1.0_COMPRESSED"
GOOD = 192

_PACKAGE = "carbonwatch.sparkplug"
# Message → field: (number, type). Texts are read as bytes, so that we judge what is UTF-8; a metric's too, so that they
# are counted before any is unfolded. Fields that are not here (data sets, templates, metadata) are passed over.
_SCHEMA: dict[str, dict[str, tuple[int, str]]] = {
    "Payload": {"timestamp": (1, "UINT64"), "metrics": (2, "BYTES*"), "seq": (3, "UINT64"), "uuid": (4, "BYTES"),
                "body": (5, "BYTES")},
    "Metric": {"name": (1, "BYTES"), "alias": (2, "UINT64"), "timestamp": (3, "UINT64"), "datatype": (4, "UINT32"),
               "is_historical": (5, "BOOL"), "is_null": (7, "BOOL"), "properties": (9, "PropertySet"),
               "int_value": (10, "UINT32"), "long_value": (11, "UINT64"), "float_value": (12, "FLOAT"),
               "double_value": (13, "DOUBLE"), "boolean_value": (14, "BOOL"), "string_value": (15, "BYTES")},
    "PropertySet": {"keys": (1, "BYTES*"), "values": (2, "PropertyValue*")},
    "PropertyValue": {"type": (1, "UINT32"), "int_value": (3, "UINT32"), "long_value": (4, "UINT64")},
}  # fmt: skip
_VALUES = ("int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value")


class Said(NamedTuple):
    """One metric as it is said, time in ms UTC; name "", None, kind (data type) 0, quality 192 where it is not said.

    field: which of the value's fields is set, "" for none.
    """

    name: str
    alias: int | None
    time: int | None
    kind: int
    null: bool
    quality: int
    field: str
    value: Any


class Payload(NamedTuple):
    """A payload; time in ms UTC, None where it is not said, as seq."""

    time: int | None
    seq: int | None
    metrics: tuple[Said, ...]


def read(payload: bytes) -> Payload:
    """A payload, compressed or not → what is in it; InputError when it is none, or larger than we take."""
    if len(payload) > MAX_BYTES:
        raise InputError("too_large", f"{len(payload)} bytes, at most {MAX_BYTES}")
    outer = _parse(_TYPES["Payload"], payload)
    if outer.uuid == COMPRESSED.encode():
        outer = _parse(_TYPES["Payload"], unpack(outer.body, MAX_UNPACKED))
    if len(outer.metrics) > MAX_METRICS:
        raise InputError("too_large", f"{len(outer.metrics)} metrics, at most {MAX_METRICS}")
    seq = outer.seq if outer.HasField("seq") else None
    if seq is not None and seq > 255:
        raise InputError("bad_message", f"seq is {seq}, not within 0 to 255")
    time = outer.timestamp if outer.HasField("timestamp") else None
    return Payload(time, seq, tuple(_said(_parse(_TYPES["Metric"], metric)) for metric in outer.metrics))


def rebirth(time: int) -> bytes:
    """The command that asks an edge node for its births, at `time` (ms UTC)."""
    asked = _TYPES["Metric"](name=b"Node Control/Rebirth", timestamp=time, datatype=11, boolean_value=True)
    command: bytes = _TYPES["Payload"](timestamp=time, metrics=[asked.SerializeToString()]).SerializeToString()
    return command


def _types() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="carbonwatch/sparkplug.proto", package=_PACKAGE, syntax="proto2")
    field = descriptor_pb2.FieldDescriptorProto
    for message, fields in _SCHEMA.items():
        made = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
            one = made.field.add(name=name, number=number, label=label)
            if kind.rstrip("*") in _SCHEMA:
                one.type, one.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{kind.rstrip('*')}"
            else:
                one.type = getattr(field, f"TYPE_{kind.rstrip('*')}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in _SCHEMA}
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.items()}


_TYPES = _types()


def _parse(shape: Any, payload: bytes) -> Any:
    try:
        return shape.FromString(payload)
    except DecodeError as error:
        raise InputError("not_protobuf", "not a payload of Sparkplug B") from error


def _said(metric: Any) -> Said:
    field = next((name for name in _VALUES if metric.HasField(name)), "")
    return Said(
        name=_text(metric.name),
        alias=metric.alias if metric.HasField("alias") else None,
        time=metric.timestamp if metric.HasField("timestamp") else None,
        kind=metric.datatype,
        null=metric.is_null,
        quality=_quality(metric.properties) if metric.HasField("properties") else GOOD,
        field=field,
        value=getattr(metric, field) if field else None,
    )


def _quality(properties: Any) -> int:
    for key, value in zip(properties.keys, properties.values, strict=False):
        if key == b"Quality":
            return int(value.long_value if value.HasField("long_value") else value.int_value)
    return GOOD


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError("bad_message", "a metric's name is not UTF-8") from error
