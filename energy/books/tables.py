"""The tables of the books; times are ms UTC, JSON columns hold plain JSON values."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

META = MetaData()
# SQLite makes a row id only of a column declared INTEGER.
_ID = BigInteger().with_variant(Integer, "sqlite")


def _key(name: str) -> Column[str]:
    return Column(name, String(64), primary_key=True)


def _serial() -> Column[int]:
    return Column("id", _ID, primary_key=True, autoincrement=True)


region = Table(
    "region", META, _key("id"), Column("name_zh", Text), Column("name_en", Text), Column("created_at", BigInteger),
)  # fmt: skip
unit = Table(
    "unit", META, _key("id"), Column("region", String(64)), Column("name_zh", Text), Column("name_en", Text),
    Column("credit_code", String(18)), Column("created_at", BigInteger),
)  # fmt: skip
site = Table(
    "site", META, _key("id"), Column("unit", String(64), nullable=False, server_default="default"),
    Column("name_zh", Text), Column("name_en", Text), Column("kind", String(32)), Column("zone", String(64)),
    Column("boundary", JSON), Column("created_at", BigInteger),
)  # fmt: skip
meter = Table(
    "meter", META, _key("site"), _key("id"), Column("name_zh", Text), Column("name_en", Text),
    Column("register", String(32)), Column("digits", Integer), Column("decimals", Integer),
    Column("multiplier", String(40)), Column("parent", String(64)), Column("reports_every", Integer),
    Column("source", Text), Column("created_at", BigInteger),
)  # fmt: skip
registry_change = Table(
    "registry_change", META, _serial(), Column("at", BigInteger), Column("actor", Text), Column("what", Text),
    Column("after", JSON),
)  # fmt: skip
threshold = Table(
    "threshold", META, _serial(), Column("key", String(64)), Column("value", Float), Column("valid_from", BigInteger),
    Column("source", Text), Column("verified", Boolean),
)  # fmt: skip
cursor = Table(
    "cursor", META, _key("worker"), Column("day", String(10)), Column("row", BigInteger), Column("plan", LargeBinary),
)  # fmt: skip
gateway = Table(
    "gateway", META, _key("site"), _key("gateway"), _key("boot"), Column("seen", JSON), Column("last_seq", BigInteger),
    Column("first_at", BigInteger), Column("last_at", BigInteger),
    Column("base", BigInteger, nullable=False, server_default="1"),
)  # fmt: skip
door = Table(
    "door", META, _key("site"), _key("gateway"), Column("enabled", Boolean, nullable=False),
    Column("credential", String(16), nullable=False), Column("created_at", BigInteger),
    Column("changed_at", BigInteger),
)  # fmt: skip
LEDGER_COUNTS = ("messages", "undecodable", "received", "landed", "duplicate", "conflict", "held", "refused")
ledger = Table(
    "ledger", META, _key("site"), _key("gateway"), Column("day", String(10), primary_key=True),
    *(Column(name, BigInteger, nullable=False, default=0) for name in LEDGER_COUNTS),
)  # fmt: skip
quarantine = Table(
    "quarantine", META, _serial(), Column("at", BigInteger),
    Column("site", String(64), nullable=False, server_default=""),
    Column("gateway", String(64), nullable=False, server_default=""), Column("reason", String(40)),
    Column("detail", Text), Column("topic", Text), Column("excerpt", Text), Column("size", Integer),
    Column("worker", String(64)), Column("day", String(10)), Column("row", BigInteger), Column("item", Integer),
    Column("count", Integer), UniqueConstraint("worker", "day", "row", "item", "reason"),
)  # fmt: skip
held = Table(
    "held", META, _serial(), Column("at", BigInteger), Column("site", String(64), index=True),
    Column("gateway", String(64)), Column("meter", String(64)), Column("time", BigInteger), Column("values", JSON),
    Column("quality", Integer), Column("worker", String(64)), Column("day", String(10)), Column("row", BigInteger),
    Column("item", Integer), Column("landed_at", BigInteger), UniqueConstraint("worker", "day", "row", "item"),
)  # fmt: skip
conflict = Table(
    "conflict", META, _serial(), Column("at", BigInteger), Column("site", String(64)), Column("meter", String(64)),
    Column("quantity", String(32)), Column("time", BigInteger), Column("kept", Float), Column("refused", Float),
    Column("worker", String(64)), Column("day", String(10)), Column("row", BigInteger), Column("item", Integer),
    UniqueConstraint("worker", "day", "row", "item", "quantity"),
)  # fmt: skip
touched = Table(
    "touched", META, _serial(), Column("site", String(64)), Column("meter", String(64)), Column("first", BigInteger),
    Column("last", BigInteger),
)  # fmt: skip
last_heard = Table(
    "last_heard", META, _key("site"), _key("meter"), Column("received_at", BigInteger), Column("time", BigInteger),
)  # fmt: skip
due = Table(
    "due", META, _serial(), Column("site", String(64)), Column("meter", String(64)), Column("first", BigInteger),
)  # fmt: skip
edge = Table(
    "edge", META, _key("site"), _key("gateway"), Column("boot", String(64), nullable=False),
    Column("bd_seq", BigInteger), Column("alive", Boolean, nullable=False), Column("first", BigInteger, nullable=False),
    Column("born", BigInteger, nullable=False), Column("last", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False), Column("missing", JSON, nullable=False),
    Column("lacking", Boolean, nullable=False),
)  # fmt: skip
edge_birth = Table(
    "edge_birth", META, _key("site"), _key("gateway"), _key("device"), Column("metrics", JSON, nullable=False),
)  # fmt: skip
alert = Table(
    "alert", META, _serial(), Column("kind", String(32)), Column("site", String(64), index=True),
    Column("meter", String(64)), Column("state", String(16)), Column("since", BigInteger),
    Column("confirmed", BigInteger), Column("raised_at", BigInteger), Column("updated_at", BigInteger),
    Column("until", BigInteger), Column("late", Boolean), Column("value", Float), Column("limit", Float),
    Column("unit", String(16)), Column("excess", Float), Column("what_zh", Text), Column("what_en", Text),
    Column("evidence", JSON),
)  # fmt: skip
alert_step = Table(
    "alert_step", META, _serial(), Column("alert", _ID, index=True), Column("at", BigInteger), Column("actor", Text),
    Column("action", String(16)), Column("note", Text),
)  # fmt: skip
part = Table(
    "part", META, _key("name"), Column("at", BigInteger), Column("ok", Boolean), Column("detail", JSON),
)  # fmt: skip
account = Table(
    "account", META, _key("name"), Column("password_hash", Text), Column("role", String(16)), Column("scope", JSON),
    Column("disabled", Boolean), Column("created_at", BigInteger),
)  # fmt: skip
api_key = Table(
    "api_key", META, _serial(), Column("name", String(64)), Column("hash", String(64), unique=True),
    Column("role", String(16)), Column("scope", JSON), Column("created_at", BigInteger),
    Column("created_by", Text), Column("expires_at", BigInteger), Column("revoked_at", BigInteger),
)  # fmt: skip
login = Table(
    "login", META, _serial(), Column("hash", String(64), unique=True), Column("kind", String(8)),
    Column("holder", Text), Column("created_at", BigInteger), Column("address", Text),
    Column("expires_at", BigInteger),
)  # fmt: skip
audit = Table(
    "audit", META, _serial(), Column("at", BigInteger), Column("actor", Text), Column("role", String(16)),
    Column("address", Text), Column("action", String(64)), Column("target", Text), Column("site", String(64)),
    Column("before", JSON), Column("after", JSON),
)  # fmt: skip
idempotency = Table(
    "idempotency", META, Column("key", String(64), primary_key=True), Column("fingerprint", String(64)),
    Column("status", Integer), Column("body", LargeBinary), Column("at", BigInteger),
)  # fmt: skip
