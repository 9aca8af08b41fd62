"""`carbonwatch units`, `carbonwatch regions`: the energy-using units, and the regions that they are in."""

from pathlib import Path

import click

from deploy.listed import Listed
from deploy.locate import locate
from deploy.options import name_options, system_options
from deploy.show import show
from energy.client.bodies import RegionBody, UnitBody

_COLUMNS = ("id", "region", "name_zh", "name_en", "credit_code")


@click.group(cls=Listed, epilog="Example: carbonwatch units put steel-ltd --name-en 'Binhai Steel' --region binhai")
def units() -> None:
    """List the energy-using units, make and change them."""


@units.command("list", epilog="Example: carbonwatch units list --region binhai")
@system_options
@click.option("--region", default=None, help="Only those in this region.")
def list_units(data: Path, url: str | None, form: str, region: str | None) -> None:
    """List the units that are open to you."""
    found = locate(data, url).client.units(region)
    show(form, {"items": found}, found, _COLUMNS)


@units.command("put", epilog="Example: carbonwatch units put steel-ltd --name-en 'Binhai Steel Ltd.' --region binhai")
@system_options
@click.argument("unit")
@name_options
@click.option("--region", default=None, help="The region that it is in; `default` for a new one without it.")
@click.option("--credit-code", default=None, metavar="CODE", help="The unified social credit code, 18 characters.")
def put_unit(
    data: Path, url: str | None, form: str, unit: str, name_zh: str | None, name_en: str | None, region: str | None,
    credit_code: str | None,
) -> None:  # fmt: skip
    """Make a unit, or change what is given of it; an administrator's."""
    body: UnitBody = {}
    if name_zh is not None:
        body["name_zh"] = name_zh
    if name_en is not None:
        body["name_en"] = name_en
    if region is not None:
        body["region"] = region
    if credit_code is not None:
        body["credit_code"] = credit_code
    done = locate(data, url).client.change_unit(unit, body)
    show(form, done, [done], _COLUMNS)


@click.group(cls=Listed, epilog="Example: carbonwatch regions put binhai --name-zh 滨海新区 --name-en 'Binhai'")
def regions() -> None:
    """List the regions, make and change them."""


@regions.command("list", epilog="Example: carbonwatch regions list")
@system_options
def list_regions(data: Path, url: str | None, form: str) -> None:
    """List the regions of what is open to you."""
    found = locate(data, url).client.regions()
    show(form, {"items": found}, found, ("id", "name_zh", "name_en"))


@regions.command("put", epilog="Example: carbonwatch regions put binhai --name-zh 滨海新区 --name-en 'Binhai district'")
@system_options
@click.argument("region")
@name_options
def put_region(data: Path, url: str | None, form: str, region: str, name_zh: str | None, name_en: str | None) -> None:
    """Make a region, or change what is given of it; an administrator's."""
    body: RegionBody = {}
    if name_zh is not None:
        body["name_zh"] = name_zh
    if name_en is not None:
        body["name_en"] = name_en
    done = locate(data, url).client.change_region(region, body)
    show(form, done, [done], ("id", "name_zh", "name_en"))
