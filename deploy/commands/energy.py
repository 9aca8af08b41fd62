"""`carbonwatch energy`: energy by window, with what is missing."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show
from energy.client.figures import EnergyStep


@click.command(epilog="Example: carbonwatch energy --site steel-1 --from 2026-11-01 --to 2026-12-01 --step day")
@system_options
@click.option("--site", required=True, help="The site; its total is over electricity meters without a parent.")
@click.option("--meter", default=None, help="One meter of the site instead.")
@click.option("--from", "start", default=None, help="Date or time in the site's zone; a day ago without it.")
@click.option("--to", "end", default=None, help="Date or time, exclusive; now without it.")
@click.option("--step", type=click.Choice(["15m", "hour", "day", "month", "year"]), default="day", show_default=True)
def energy(
    data: Path, url: str | None, form: str, site: str, meter: str | None, start: str | None, end: str | None,
    step: EnergyStep,
) -> None:  # fmt: skip
    """Show energy by window, measured, estimated and missing kept apart."""
    page = locate(data, url).client.energy(site, meter, start, end, step)
    total = page["total"]
    note = (
        f"total {'unknown' if total['amount'] is None else total['amount']} {page['unit']}: "
        f"{total['intervals']} intervals with a value ({total['measured']} measured, "
        f"{total['estimated']} estimated), {total['missing']} missing"
    )
    columns = ("start", "end", "amount", "intervals", "measured", "estimated", "missing")
    show(form, page, page["items"], columns, note)
