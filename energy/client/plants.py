"""The client's calls about what stands where: regions, units, sites, meters; and how it all is."""

from typing import cast

from energy.client.answers import Door, Gateway, Health, Meter, Quarantine, Region, Site, Unit
from energy.client.bodies import MeterBody, RegionBody, SiteBody, UnitBody
from energy.client.calls import Calls
from energy.client.holders import Me


class Plants(Calls):
    """The registry, and what came in from it."""

    def health(self) -> Health:
        """The state of every part, whether it is well (200) or not (503); needs no key."""
        return cast(Health, self._json(self._call("GET", "/health", well=(503,))))

    def metrics(self) -> str:
        """Lag, counts, sizes, parts and open alerts in Prometheus' text format."""
        return self._call("GET", "/metrics").text

    def me(self) -> Me:
        """Who the key or session is, and what it may."""
        return cast(Me, self.get("/me"))

    def regions(self) -> list[Region]:
        """The regions of what is open to you."""
        return [cast(Region, item) for item in self.every("/regions")]

    def region(self, region: str) -> Region:
        """One region."""
        return cast(Region, self.get(f"/regions/{region}"))

    def put_region(self, region: str, body: RegionBody) -> Region:
        """Make a region, or change it."""
        return cast(Region, self.put(f"/regions/{region}", body))

    def change_region(self, region: str, body: RegionBody) -> Region:
        """Change what is given of a region and leave the rest, or make a new one."""
        return cast(Region, self.change(f"/regions/{region}", body, RegionBody.__annotations__))

    def units(self, region: str | None = None) -> list[Unit]:
        """The energy-using units that are open to you, or those of a region."""
        return [cast(Unit, item) for item in self.every("/units", region=region)]

    def unit(self, unit: str) -> Unit:
        """One unit."""
        return cast(Unit, self.get(f"/units/{unit}"))

    def put_unit(self, unit: str, body: UnitBody) -> Unit:
        """Make a unit, or change it."""
        return cast(Unit, self.put(f"/units/{unit}", body))

    def change_unit(self, unit: str, body: UnitBody) -> Unit:
        """Change what is given of a unit and leave the rest, or make a new one."""
        return cast(Unit, self.change(f"/units/{unit}", body, UnitBody.__annotations__))

    def sites(self, unit: str | None = None) -> list[Site]:
        """The sites that are open to you, or those of a unit."""
        return [cast(Site, item) for item in self.every("/sites", unit=unit)]

    def site(self, site: str) -> Site:
        """One site."""
        return cast(Site, self.get(f"/sites/{site}"))

    def put_site(self, site: str, body: SiteBody) -> Site:
        """Register a site, or change it: what is not given is set to its default."""
        return cast(Site, self.put(f"/sites/{site}", body))

    def change_site(self, site: str, body: SiteBody) -> Site:
        """Change what is given of a site and leave the rest, or make a new one."""
        return cast(Site, self.change(f"/sites/{site}", body, SiteBody.__annotations__))

    def meters(self, site: str | None = None) -> list[Meter]:
        """The meters of a site, or all, with their newest values."""
        return [cast(Meter, item) for item in self.every("/meters", site=site)]

    def meter(self, site: str, meter: str) -> Meter:
        """One meter as it is registered."""
        return cast(Meter, self.get(f"/sites/{site}/meters/{meter}"))

    def put_meter(self, site: str, meter: str, body: MeterBody) -> Meter:
        """Register a meter, or change it: what is not given is set to its default."""
        return cast(Meter, self.put(f"/sites/{site}/meters/{meter}", body))

    def change_meter(self, site: str, meter: str, body: MeterBody) -> Meter:
        """Change what is given of a meter and leave the rest, or register a new one."""
        return cast(Meter, self.change(f"/sites/{site}/meters/{meter}", body, MeterBody.__annotations__))

    def doors(self, site: str | None = None) -> list[Door]:
        """The gateways that are registered, of a site or of all; what they sent is in `gateways`."""
        return [cast(Door, item) for item in self.every("/registered-gateways", site=site)]

    def door(self, site: str, gateway: str) -> Door:
        """One registered gateway."""
        return cast(Door, self.get(f"/sites/{site}/gateways/{gateway}"))

    def put_door(self, site: str, gateway: str, *, enabled: bool = True, credential: str | None = None) -> Door:
        """Register a gateway, or change it; the first one closes the site to all that are not registered."""
        return cast(Door, self.put(f"/sites/{site}/gateways/{gateway}", {"enabled": enabled, "credential": credential}))

    def remove_door(self, site: str, gateway: str) -> None:
        """Take a gateway off the register."""
        self.delete(f"/sites/{site}/gateways/{gateway}")

    def gateways(self, site: str | None = None) -> list[Gateway]:
        """Sequence and ledger of each gateway."""
        return [cast(Gateway, item) for item in self.every("/gateways", site=site)]

    def quarantine(
        self, site: str | None = None, reason: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Quarantine:
        """A page of what was refused, newest first, and what is held for meters not yet registered."""
        return cast(Quarantine, self.get("/quarantine", site=site, reason=reason, limit=limit, cursor=cursor))
