"""Every kind of site that can be played, by name."""

from simulators.industries.cement import CEMENT_WORKS
from simulators.industries.data_centre import DATA_CENTRE
from simulators.industries.data_centre_design import DATA_CENTRE_NEW, DATA_CENTRE_SMALL_OLD
from simulators.industries.dyeing import DYEING_MILL
from simulators.industries.glass import GLASS_WORKS
from simulators.industries.paper import PAPER_MILL
from simulators.industries.petrochemical import PETROCHEMICAL_WORKS
from simulators.industries.power_plant import POWER_PLANT
from simulators.industries.pv_storage import PV_STORAGE
from simulators.industries.steel import STEEL_WORKS
from simulators.industries.utilities import UTILITIES
from simulators.kind import Kind

_ALL = (
    STEEL_WORKS,
    CEMENT_WORKS,
    GLASS_WORKS,
    PETROCHEMICAL_WORKS,
    DYEING_MILL,
    PAPER_MILL,
    POWER_PLANT,
    DATA_CENTRE,
    DATA_CENTRE_SMALL_OLD,
    DATA_CENTRE_NEW,
    UTILITIES,
    PV_STORAGE,
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
