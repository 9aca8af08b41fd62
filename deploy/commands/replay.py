"""`carbonwatch replay`: a recording, a journal or a data file through the broker."""

import time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from click.core import ParameterSource

from deploy.options import FORMATS, feeding_options, speed_option
from deploy.replay_file import play_file
from deploy.replay_keys import steered
from deploy.replay_raw import look_through, play_raw, reader
from deploy.replay_show import Show
from deploy.whereabouts import Whereabouts
from energy.duration import parse_duration
from energy.errors import InputError, OutsideError, SetupError
from energy.registry import check_name
from energy.window import parse_time
from simulators.readers.esif import read_esif
from simulators.readers.recording import Recording, part
from simulators.readers.table import parse_map, read_table
from simulators.readers.uci_steel import read_uci_steel
from simulators.replay_control import Control

_EXAMPLE = "carbonwatch replay shift.jsonl.gz --format recording --speed 60 --shift now"
_MAP_HELP = "csv: time=COLUMN and values such as e_kwh=COLUMN, interval_kwh=COLUMN, p_kw=COLUMN; separated by commas."
_RAW = ("recording", "journal")


@click.command(epilog=f"Example: {_EXAMPLE}")
@click.argument("file", type=click.Path(exists=True, readable=True, path_type=Path))
@click.option("--format", "form", type=click.Choice([*_RAW, "uci-steel", "csv", "esif"]), required=True,
              help="What the file is.")  # fmt: skip
@click.option("--site", help="Data files: the site; registered unless it exists.")
@click.option("--meter", help="Data files: the meter; registered unless it exists. An esif file brings its own five.")
@speed_option
@click.option("--from", "start", metavar="TIME", help="Leave out what is before.")
@click.option("--to", "end", metavar="TIME", help="Leave out what is from here on.")
@click.option("--shift", metavar="DURATION|now|TIME",
              help="Move the readings' times: by 3h or -2d, or so that the first is now or at TIME.")  # fmt: skip
@click.option("--pause", is_flag=True, help="Begin paused.")
@click.option("--control", type=click.Choice(["stdin"]),
              help="Take lines (pause, go, step [N], speed N, quit) in place of keys.")  # fmt: skip
@click.option("--map", "mapping", help=_MAP_HELP)
@click.option("--stamp", type=click.Choice(["start", "end"]), default="end", show_default=True,
              help="csv: what an interval's time says of it.")  # fmt: skip
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Time zone of times without an offset.")
@click.option("--gateway", default="replay", show_default=True, help="Data files: the gateway's name.")
@feeding_options
@click.option("--output", type=FORMATS, default="table", show_default=True,
              help="How to print the summary; json: progress too, a line each.")  # fmt: skip
def replay(
    file: Path, form: str, site: str | None, meter: str | None, speed: float | None, start: str | None,
    end: str | None, shift: str | None, pause: bool, control: str | None, mapping: str | None, stamp: str, zone: str,
    gateway: str, data: Path, url: str | None, mqtt: str | None, output: str,
) -> None:  # fmt: skip
    """Play FILE through the broker, and return when all of it has arrived; playing it again changes nothing.

    On a terminal the space bar pauses and goes on, s or Enter sends one message, + and - change the speed, q ends.
    """
    bounds = _moment(start, _zone(zone)), _moment(end, zone)
    show = Show(output, "messages" if form in _RAW else "readings", zone)
    steering = Control(speed, paused=pause)
    try:
        if form in _RAW:
            where = Whereabouts(data, url, mqtt) if _system_asked(mqtt, url) else None
            read = reader(file, form, *bounds)
            plan = look_through(read, show)
            by = _by(shift, plan.first, zone)
            with steered(steering, control):
                play_raw(mqtt or (where.now.mqtt if where else ""), where, read, plan, by, steering, show, zone)
            return
        where = Whereabouts(data, url, mqtt)
        check_name("gateway", gateway)
        recording = _read(file, form, site, meter, mapping, stamp, zone)
        if bounds != (None, None) or shift is not None:
            recording = part(recording, *bounds)
            recording = part(recording, None, None, _by(shift, recording.first, zone) or 0)
        with steered(steering, control):
            play_file(where, recording, gateway, steering, show)
    except OutsideError as error:
        raise click.ClickException(str(error)) from error


def _system_asked(mqtt: str | None, url: str | None) -> bool:
    """Whether a system is to tell that all has arrived: with --mqtt only where one is named besides."""
    named = click.get_current_context().get_parameter_source("data") is not ParameterSource.DEFAULT
    return not mqtt or url is not None or named


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SetupError(f"--zone {name!r} is not an IANA time zone such as Asia/Shanghai") from error
    return name


def _moment(text: str | None, zone: str) -> int | None:
    return None if text is None else parse_time(text, zone)


def _by(shift: str | None, first: int, zone: str) -> int | None:
    """--shift → ms; a time is what the first message is moved to."""
    if shift is None:
        return None
    if shift == "now":
        return time.time_ns() // 1_000_000 - first
    try:
        return parse_duration(shift)
    except InputError:
        pass
    try:
        return parse_time(shift, zone) - first
    except InputError as error:
        raise SetupError(f"--shift {shift!r} is neither a length of time such as 3h, nor now, nor a time") from error


def _read(
    file: Path, form: str, site: str | None, meter: str | None, mapping: str | None, stamp: str, zone: str
) -> Recording:
    """The data file; SetupError where an option is missing."""
    if file.is_dir() or site is None:
        raise SetupError(f"--format {form} needs {'a file' if file.is_dir() else '--site'}")
    check_name("site", site)
    if form == "esif":
        return read_esif(file, site, zone)
    if meter is None:
        raise SetupError(f"--format {form} needs --meter")
    check_name("meter", meter)
    if form == "uci-steel":
        return read_uci_steel(file, site, meter, zone)
    if mapping is None:
        raise SetupError("--format csv needs --map, such as --map time=DATE,e_kwh=READING")
    return read_table(file, site, meter, parse_map(mapping), zone, stamp)
