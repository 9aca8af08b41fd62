"""`carbonwatch replay`: a recorded file through the broker, as a gateway would send it."""

import csv
import io
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from tabulate import tabulate

from deploy.locate import locate
from deploy.options import FORMATS, feeding_options
from energy.broker.paho import PahoBroker
from energy.client import Client
from energy.errors import OutsideError, SetupError
from energy.registry import check_name
from energy.window import to_text
from simulators import replay as player
from simulators.gateway import Gateway, new_boot
from simulators.readers.esif import read_esif
from simulators.readers.recording import Recording
from simulators.readers.table import parse_map, read_table
from simulators.readers.uci_steel import read_uci_steel
from simulators.registering import register

_EXAMPLE = "carbonwatch replay steel_2018_jan_sep.csv --format uci-steel --site steel --meter incomer --speed max"
_MAP_HELP = "csv: time=COLUMN and values such as e_kwh=COLUMN, interval_kwh=COLUMN, p_kw=COLUMN; separated by commas."


def _speed(_context: click.Context, _option: click.Parameter, text: str) -> float | None:
    """`max` → None, a number above 0 → float."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"{text!r} is not a number above 0 or max")
    return speed


@click.command(epilog=f"Example: {_EXAMPLE}")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--format", "form", type=click.Choice(["uci-steel", "csv", "esif"]), required=True, help="The file's.")
@click.option("--site", required=True, help="The site; registered unless it exists.")
@click.option("--meter", help="The meter; registered unless it exists. An esif file brings its own five.")
@click.option("--speed", metavar="N|max", callback=_speed, default="max",
              help="Seconds of the file in each second, or max (the default).")  # fmt: skip
@click.option("--map", "mapping", help=_MAP_HELP)
@click.option("--stamp", type=click.Choice(["start", "end"]), default="end", show_default=True,
              help="csv: what an interval's time says of it.")  # fmt: skip
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Time zone of times without an offset.")
@click.option("--gateway", default="replay", show_default=True, help="The gateway's name.")
@feeding_options
@click.option("--output", type=FORMATS, default="table", show_default=True, help="How to print the summary.")
def replay(
    file: Path, form: str, site: str, meter: str | None, speed: float | None, mapping: str | None, stamp: str,
    zone: str, gateway: str, data: Path, url: str | None, mqtt: str | None, output: str,
) -> None:  # fmt: skip
    """Send a recorded FILE, and return when all of it can be queried; sending it again changes nothing."""
    where = _Where(data, url, mqtt)
    check_name("gateway", gateway)
    recording = _read(file, form, site, meter, mapping, stamp, _zone(zone))
    try:
        summary, ledger = _play(where, recording, gateway, speed)
    except OutsideError as error:
        raise click.ClickException(str(error)) from error
    click.echo(_printed(summary, output))
    if ledger.refused or ledger.conflict or ledger.undecodable:
        raise click.ClickException(
            f"not all of it was taken: {ledger.refused} values refused, {ledger.conflict} other than what is stored "
            "already; see `carbonwatch quarantine`"
        )


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SetupError(f"--zone {name!r} is not an IANA time zone such as Asia/Shanghai") from error
    return name


def _read(file: Path, form: str, site: str, meter: str | None, mapping: str | None, stamp: str, zone: str) -> Recording:
    """The recording; SetupError where an option is missing."""
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


class _Where:
    """Where the system is; it may come back with other addresses after a restart."""

    def __init__(self, data: Path, url: str | None, mqtt: str | None) -> None:
        self._asked = data, url, mqtt
        self.now = locate(*self._asked)
        if not self.now.mqtt:
            raise SetupError("--url needs the broker's address too: --mqtt mqtt://host:1883")

    def client(self) -> Client:
        """The API as found now, or as known before while there is none."""
        self._look()
        return self.now.client

    def broker(self) -> PahoBroker:
        """A client of the broker, not started yet."""
        return PahoBroker(self.now.mqtt, f"replay-{new_boot()}", clean=True)

    def moved(self) -> PahoBroker | None:
        """A client of the broker when its address is another than before."""
        before = self.now.mqtt
        self._look()
        return None if self.now.mqtt == before else self.broker()

    def _look(self) -> None:
        try:
            found = locate(*self._asked)
        except SetupError:
            return  # not there now: the caller's patience decides
        self.now.client.close()
        self.now = found


def _play(
    where: _Where, recording: Recording, name: str, speed: float | None
) -> tuple[dict[str, object], player.Ledger]:
    """Register, send and wait; what was done, and what the system made of it."""
    client, site, begun, say = where.now.client, recording.site.id, time.monotonic(), _Progress()
    new = register(client, recording.site, recording.meters)
    before = player.ledger_of(client, site, name)
    say(f"registered {', '.join(new)}" if new else "site and meters are registered", always=True)
    gateway = Gateway(where.broker(), site, name, move=where.moved)
    gateway.start()
    try:
        sent = player.send(gateway, recording, speed, say)
        meters = [meter.id for meter in recording.meters]
        after = player.wait_queryable(where.client, site, name, gateway, meters, say)
    finally:
        gateway.stop()
    ledger = after.since(before)
    summary: dict[str, object] = {
        "site": site, "meters": ",".join(meters), "gateway": name, "boot": gateway.boot, "readings": sent,
        "messages": gateway.last_seq, "from": to_text(recording.first, recording.site.zone),
        "to": to_text(recording.last, recording.site.zone), "seconds": round(time.monotonic() - begun, 1),
        **asdict(ledger),
    }  # fmt: skip
    return summary, ledger


class _Progress:
    """A line on stderr, at most every two seconds."""

    def __init__(self) -> None:
        self._said = 0.0

    def __call__(self, text: str, *, always: bool = False) -> None:
        now = time.monotonic()
        if always or now - self._said >= 2.0:
            self._said = now
            click.echo(text, file=sys.stderr)


def _printed(summary: dict[str, object], output: str) -> str:
    if output == "json":
        return json.dumps(summary, ensure_ascii=False)
    if output == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([summary.keys(), summary.values()])
        return text.getvalue().rstrip("\n")
    return tabulate(list(summary.items()), tablefmt="plain", disable_numparse=True)
