"""Every kind of site that can be played, by name."""

from simulators.industries.data_centre import DATA_CENTRE
from simulators.industries.paper import PAPER_MILL
from simulators.industries.steel import STEEL_WORKS
from simulators.kind import Kind

_ALL = (STEEL_WORKS, PAPER_MILL, DATA_CENTRE)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
