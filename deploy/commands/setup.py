"""`carbonwatch setup`: makes and checks what an InfluxDB needs to be the store."""

import os
from typing import TYPE_CHECKING

import click

from deploy.options import FORMATS
from deploy.show import show
from energy.duration import parse_duration
from energy.errors import SetupError

if TYPE_CHECKING:
    from energy.store.influx_server import InfluxServer

_LEAST_S = 3600  # InfluxDB's own
_EXAMPLE = "carbonwatch setup --influx http://127.0.0.1:8086 --retention 3650d"


def _retention(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    """`forever` or a length of time → s, 0 for ever; None where nothing is said."""
    if text is None:
        return None
    seconds = 0 if text == "forever" else parse_duration(text) // 1000
    if text != "forever" and seconds < _LEAST_S:
        raise SetupError(f"--retention {text!r} is less than an hour, the least that InfluxDB knows")
    return seconds


@click.command(epilog=f"Example: {_EXAMPLE}")
@click.option("--influx", required=True, envvar="CARBONWATCH_INFLUX", show_envvar=True, help="InfluxDB's address.")
@click.option("--org", default="carbonwatch", show_default=True, envvar="CARBONWATCH_INFLUX_ORG", show_envvar=True,
              help="The organisation; it must be there.")  # fmt: skip
@click.option("--bucket", default="carbonwatch", show_default=True, envvar="CARBONWATCH_INFLUX_BUCKET",
              show_envvar=True, help="The bucket; made if absent.")  # fmt: skip
@click.option("--retention", default=None, metavar="forever|DURATION", callback=_retention,
              help="How long the bucket keeps points, such as 3650d; a new one keeps them for ever.")  # fmt: skip
@click.option("--format", "form", type=FORMATS, default="table", show_default=True, help="How to print.")
def setup(influx: str, org: str, bucket: str, retention: int | None, form: str) -> None:
    """Make the bucket and its InfluxQL names in InfluxDB 2, check the token's rights, and say what was done.

    What is there stays: run it as often as you like. A bucket's retention is only ever made longer. The token comes
    from INFLUX_TOKEN; an all-access token is needed only to make or change a bucket.
    """
    from energy.store.influx_server import InfluxServer  # its client costs every start a third of a second

    token = os.environ.get("INFLUX_TOKEN")
    if not token:
        raise SetupError("setup needs a token in the environment variable INFLUX_TOKEN")
    server = InfluxServer(influx, token, org)
    try:
        rows = _done(server, bucket, retention)
    finally:
        server.close()
    show(form, rows, rows, ("what", "is", "done"))
    if any(row["done"] == "MISSING" for row in rows):
        raise click.ClickException(f"the token may not do what the system must: give it read and write of {bucket!r}")


def _done(server: "InfluxServer", bucket: str, retention: int | None) -> list[dict[str, str]]:
    """What is there now, and what of it was made just now."""
    version = server.version()
    found = server.open(bucket, retention or 0)
    keeps_s, changed = found.keeps_s, "made" if found.made else "was there"
    if retention is not None and retention != keeps_s:
        if keeps_s == 0 or 0 < retention < keeps_s:
            raise SetupError(
                f"bucket {bucket!r} keeps points {_said(keeps_s)}: to shorten it deletes what is older, which is never "
                f"done from here: influx bucket update --retention"
            )
        server.keep(bucket, retention)
        keeps_s, changed = retention, f"changed, was {_said(keeps_s)}"
    rights = {"read": server.may_read(bucket), "write": server.may_write(bucket)}
    rows = [
        ("server", f"InfluxDB {version}", "answers"),
        ("bucket", bucket, "made" if found.made else "was there"),
        ("retention", _said(keeps_s), changed),
        ("InfluxQL", "/".join(found.names), "made" if found.mapped else "was there"),
        *((f"token may {name}", *(("yes", "checked") if has else ("no", "MISSING"))) for name, has in rights.items()),
    ]
    return [{"what": what, "is": value, "done": done} for what, value, done in rows]


def _said(seconds: int) -> str:
    """A retention in words.

    >>> _said(0), _said(315_360_000), _said(5400)
    ('for ever', 'for 3650 d', 'for 5400 s')
    """
    if seconds == 0:
        return "for ever"
    return f"for {seconds // 86_400} d" if seconds % 86_400 == 0 else f"for {seconds} s"
