"""`carbonwatch record`: what a broker carries, into a file."""

import json
import time
from pathlib import Path

import click
from tabulate import tabulate

from deploy.locate import locate
from deploy.options import feeding_options
from energy.duration import parse_duration
from energy.errors import OutsideError, SetupError
from energy.window import to_text
from simulators.gateway import new_boot
from simulators.record import Heard, Recorder
from simulators.record_file import RecordFile

_EXAMPLE = "carbonwatch record --topic 'ecm/v1/#' --out shift.jsonl.gz --for 8h"


def _duration(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """A length of time → s."""
    if text is None:
        return None
    seconds = parse_duration(text) / 1000
    if seconds <= 0:
        raise SetupError(f"--for {text!r} is not above 0")
    return seconds


@click.command(epilog=f"Example: {_EXAMPLE}")
@click.option("--topic", "topics", multiple=True, required=True, metavar="FILTER",
              help="What to listen to, such as ecm/v1/# or plant/+/power; may be repeated.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="The file; a name that ends in .gz is compressed.")  # fmt: skip
@click.option("--for", "seconds", metavar="DURATION", callback=_duration, help="End after 90s, 15min, 8h or 2d.")
@click.option("--count", type=click.IntRange(1), help="End after so many messages.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
@feeding_options
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="json: progress and summary as lines of JSON on standard output.")  # fmt: skip
def record(
    topics: tuple[str, ...], out: Path, seconds: float | None, count: int | None, force: bool, data: Path,
    url: str | None, mqtt: str | None, output: str,
) -> None:  # fmt: skip
    """Write what a broker carries into a file, until Ctrl-C; `carbonwatch replay --format recording` plays it.

    Any topics and payloads, at QoS 1, on a session of its own. With --mqtt alone no system is needed.
    """
    recorder = Recorder(mqtt or locate(data, url, mqtt).mqtt, f"record-{new_boot()}", topics)
    file = RecordFile(out, topics, time.time_ns() // 1_000_000, force=force)
    try:
        heard = _run(recorder, file, seconds, count, output)
    except OutsideError as error:
        raise click.ClickException(str(error)) from error
    summary = {"file": str(out), **_figures(heard, file)}
    click.echo(json.dumps(summary) if output == "json" else tabulate(list(summary.items()), tablefmt="plain",
                                                                     disable_numparse=True))  # fmt: skip


def _run(recorder: Recorder, file: RecordFile, seconds: float | None, count: int | None, output: str) -> Heard:
    from deploy.adapters import stop_event  # late: the stores that come with it cost half a second

    stop = stop_event()

    def say(heard: Heard) -> None:
        if output == "json":
            click.echo(json.dumps(_figures(heard, file)))
        else:
            lost = f", {heard.breaks} times without a connection" if heard.breaks else ""
            click.echo(f"{heard.messages} messages, {heard.rate:.1f} a second, {file.size} bytes{lost}", err=True)

    try:
        return recorder.run(file, seconds, count, say, stop.is_set)
    finally:
        file.close()


def _figures(heard: Heard, file: RecordFile) -> dict[str, object]:
    return {
        "messages": heard.messages, "rate": round(heard.rate, 1), "payload_bytes": heard.payload_bytes,
        "size": file.size, "from": to_text(heard.first) if heard.messages else None,
        "to": to_text(heard.last) if heard.messages else None, "seconds": round(heard.seconds, 1),
        "connections_lost": heard.breaks,
    }  # fmt: skip
