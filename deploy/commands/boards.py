"""`carbonwatch boards`: writes the Grafana boards and the files that provision them."""

import json
from pathlib import Path
from zoneinfo import available_timezones

import click

from dashboards.fleet import fleet
from dashboards.provisioning import data_source, provider
from energy.errors import SetupError


@click.command(epilog="Example: carbonwatch boards --out grafana --influx http://localhost:8086")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write to; made if absent.")
@click.option("--influx", default="http://localhost:8086", show_default=True, help="InfluxDB, as Grafana reaches it.")
@click.option("--bucket", default="carbonwatch", show_default=True, help="The bucket that the readings are in.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="The time zone of days and of the clock.")
@click.option("--boards-path", default=None, help="Where Grafana finds OUT/dashboards, if elsewhere than here.")
def boards(out: Path, influx: str, bucket: str, zone: str, boards_path: str | None) -> None:
    """Write Grafana's boards and provisioning; Grafana reads the token from its own INFLUX_TOKEN.

    Start Grafana with GF_PATHS_PROVISIONING=OUT/provisioning.
    """
    if zone not in available_timezones():
        raise SetupError(f"{zone!r} is no time zone: give --zone a name such as Asia/Shanghai")
    shown = out / "dashboards"
    files = {
        shown / "fleet.json": to_text(fleet(zone=zone)),
        out / "provisioning" / "datasources" / "carbonwatch.yaml": data_source(influx, bucket),
        out / "provisioning" / "dashboards" / "carbonwatch.yaml": provider(boards_path or str(shown.resolve())),
    }
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SetupError(f"cannot write {path}: {error.strerror}; choose another --out") from error
        click.echo(path)


def to_text(board: object) -> str:
    """A board as the JSON text of its file."""
    return json.dumps(board, ensure_ascii=False, indent=1) + "\n"
