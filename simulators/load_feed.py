"""A gateway's telemetry, encoded before it is needed: only number, times and register counts are put in."""

from collections.abc import Sequence
from datetime import UTC, datetime

from energy.errors import SetupError
from energy.quantity import QUANTITIES, REGISTERS
from energy.registry import check_name
from energy.topic import Topic, base_topic

_MAX_BYTES = 256 * 1024  # of a message of wire format 1
_SEQ_WIDTH = 10
# What a meter of a middling drive shows; invented.
_GAUGES = {"p_kw": 360.0, "q_kvar": 45.0, "pf": 0.93, "u_v": 400.0, "i_a": 520.0, "steam_th": 4.0, "gas_m3h": 80.0,
           "temp_c": 21.5}  # fmt: skip


class Feed:
    """Telemetry of wire format 1 of one gateway and boot, `per_message` readings in each, its meters in turn.

    Every meter's times rise: they are the clock's, or 1 ms after the last where messages are due sooner than that.
    """

    def __init__(
        self, site: str, gateway: str, boot: str, meters: Sequence[str], per_message: int, quantities: Sequence[str]
    ) -> None:
        """SetupError for more readings in a message than meters or than 256 KiB hold, or for an unknown quantity."""
        if not 1 <= per_message <= len(meters):
            raise SetupError(f"a message has 1 to {len(meters)} readings, one of each meter: give more meters")
        self._check(quantities)
        self.topic = Topic(site, check_name("gateway", gateway), "telemetry").text
        base_topic(site, gateway)
        self._registers = [key for key in quantities if key in REGISTERS]
        self._gauges = b"".join(b',"%s":%.2f' % (key.encode(), _GAUGES[key]) for key in quantities if key in _GAUGES)
        self._head = b'{"boot":"%s","seq":%%%dd,"sent":"' % (check_name("boot", boot).encode(), _SEQ_WIDTH)
        self._groups = [_pieces(group) for group in _groups(meters, per_message)]
        self._overlap = len(meters) % per_message != 0  # then the last group holds meters of the one before
        self.seq = self.time = 0
        self._count = 0
        self._second, self._date = -1, b""
        self.size = len(self.next(0))
        self.seq = self.time = self._count = 0
        if self.size > _MAX_BYTES:
            raise SetupError(f"a message would have {self.size} bytes, at most {_MAX_BYTES}: fewer readings in each")

    def next(self, now: int) -> bytes:
        """The next message, at `now` (ms UTC)."""
        phase = self.seq % len(self._groups)
        if phase == 0 or (self._overlap and phase == len(self._groups) - 1):
            self.time = max(now, self.time + 1)
            self._count += 1
        self.seq += 1
        whole, cents = divmod(self._count, 100)
        counts = b"".join([b',"%s":%9d.%02d' % (key.encode(), whole, cents) for key in self._registers])
        field = b'"ts":%13d%s%s' % (self.time, counts, self._gauges)
        return self._head % self.seq + self._sent(now) + field.join(self._groups[phase])

    def _sent(self, now: int) -> bytes:
        second, millis = divmod(now, 1000)
        if second != self._second:
            self._second = second
            self._date = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
        return b"%s.%03d+00:00" % (self._date, millis)

    @staticmethod
    def _check(quantities: Sequence[str]) -> None:
        unknown = [key for key in quantities if key not in QUANTITIES]
        if unknown or not quantities or len(set(quantities)) != len(quantities):
            raise SetupError(f"quantities must be some of {', '.join(QUANTITIES)}, each once")


def _groups(meters: Sequence[str], size: int) -> list[Sequence[str]]:
    """The meters in groups of `size`; the last one begins earlier where they do not divide."""
    return [meters[min(at, len(meters) - size) :][:size] for at in range(0, len(meters), size)]


def _pieces(meters: Sequence[str]) -> list[bytes]:
    """What stands between the fields of a message."""
    names = [check_name("meter", meter).encode() for meter in meters]
    return [b'","readings":[{"meter":"%s",' % names[0], *(b'},{"meter":"%s",' % name for name in names[1:]), b"}]}"]
