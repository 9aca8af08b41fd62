"""Sites and meters → the API's registry, where what is there already stays as it is."""

from collections.abc import Iterable

from energy.client import Client
from energy.client.bodies import MeterBody, SiteBody
from energy.registry import Meter, Site


def register(client: Client, site: Site, meters: Iterable[Meter]) -> list[str]:
    """Register the site and its meters unless they exist; the names of what is new."""
    new = []
    if site.id not in {known["id"] for known in client.sites()}:
        client.put_site(site.id, site_body(site))
        new.append(site.id)
    there = {known["id"] for known in client.meters(site.id)}
    for meter in meters:
        if meter.id not in there:
            client.put_meter(site.id, meter.id, meter_body(meter))
            new.append(f"{site.id}/{meter.id}")
    return new


def site_body(site: Site) -> SiteBody:
    """The body of PUT /sites/{site}."""
    boundary = site.boundary
    return {
        "name_zh": site.name_zh,
        "name_en": site.name_en,
        "kind": site.kind,
        "zone": site.zone,
        "boundary": None
        if boundary is None
        else {"facility": list(boundary.facility), "it": list(boundary.it), "category": boundary.category},
    }


def meter_body(meter: Meter) -> MeterBody:
    """The body of PUT /sites/{site}/meters/{meter}."""
    return {
        "name_zh": meter.name_zh,
        "name_en": meter.name_en,
        "register": meter.register,
        "digits": meter.digits,
        "decimals": meter.decimals,
        "multiplier": str(meter.multiplier),
        "parent": meter.parent,
        "reports_every": meter.reports_every,
        "source": meter.source,
    }
