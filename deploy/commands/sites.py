"""`carbonwatch sites`: the registered sites."""

from pathlib import Path

import click

from deploy.listed import Listed
from deploy.locate import locate
from deploy.options import name_options, system_options
from deploy.show import show
from energy.client.bodies import SiteBody

_COLUMNS = ("id", "unit", "name_zh", "name_en", "kind", "zone")


@click.group(cls=Listed, epilog="Example: carbonwatch sites --unit steel-ltd")
def sites() -> None:
    """List the sites, register and change them."""


@sites.command("list", epilog="Example: carbonwatch sites list --unit steel-ltd")
@system_options
@click.option("--unit", default=None, help="Only those of this unit.")
def list_sites(data: Path, url: str | None, form: str, unit: str | None) -> None:
    """List the sites that are open to you."""
    found = locate(data, url).client.sites(unit)
    show(form, {"items": found}, found, _COLUMNS)


@sites.command(epilog="Example: carbonwatch sites put steel-1 --unit steel-ltd")
@system_options
@click.argument("site")
@name_options
@click.option("--unit", default=None, help="The unit that it is of.")
@click.option("--kind", default=None, help="What it is, such as plant, paper_mill, data_centre.")
@click.option("--zone", default=None, help="The IANA time zone of its day, such as Asia/Shanghai.")
def put(
    data: Path, url: str | None, form: str, site: str, name_zh: str | None, name_en: str | None, unit: str | None,
    kind: str | None, zone: str | None,
) -> None:  # fmt: skip
    """Register a site, or change what is given of it; its meters and its boundary stay."""
    body: SiteBody = {}
    if name_zh is not None:
        body["name_zh"] = name_zh
    if name_en is not None:
        body["name_en"] = name_en
    if unit is not None:
        body["unit"] = unit
    if kind is not None:
        body["kind"] = kind
    if zone is not None:
        body["zone"] = zone
    done = locate(data, url).client.change_site(site, body)
    show(form, done, [done], _COLUMNS)
