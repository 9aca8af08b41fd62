"""Whether a decoded reading can be true: its time and its values' bounds."""

from energy.quantity import QUANTITIES
from energy.reading import EARLIEST, MAX_AHEAD, Reading
from energy.window import to_text
from ingest.decode.message import Refusal


def check(reading: Reading, received_at: int) -> tuple[Reading | None, tuple[Refusal, ...]]:
    """A reading → what of it may land, and what is refused and why; `received_at` in ms UTC."""
    if reading.time < EARLIEST:
        return None, (_refuse("too_old", f"time {_shown(reading.time)} is before 2010", reading),)
    if reading.time > received_at + MAX_AHEAD:
        return None, (_refuse("in_future", f"time {_shown(reading.time)} is after it was received", reading),)
    outside = [key for key, value in reading.values.items() if not QUANTITIES[key].low <= value <= QUANTITIES[key].high]
    if not outside:
        return reading, ()
    detail = "; ".join(
        f"{key} {reading.values[key]} is not within {QUANTITIES[key].low} to {QUANTITIES[key].high}" for key in outside
    )
    refusal = Refusal("out_of_bounds", detail, _excerpt(reading), len(outside))
    kept = {key: value for key, value in reading.values.items() if key not in outside}
    return (Reading(reading.meter, reading.time, kept, reading.quality) if kept else None), (refusal,)


def _refuse(reason: str, detail: str, reading: Reading) -> Refusal:
    return Refusal(reason, detail, _excerpt(reading), len(reading.values))


def _excerpt(reading: Reading) -> str:
    return f"{reading.meter} {reading.time} {dict(reading.values)}"[:200]


def _shown(ms: int) -> str:
    try:
        return to_text(ms)
    except OverflowError:
        return str(ms)
