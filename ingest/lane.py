"""What a batch's messages of one topic have in common, looked up once."""

from typing import NamedTuple

from ingest.decode.port import Address, Dialect
from ingest.plan import Tally


class Lane(NamedTuple):
    """One topic's messages of one UTC day (days since 1970) in a batch; tally: the plan's for gateway and day."""

    dialect: Dialect
    address: Address
    day: int
    tally: Tally
