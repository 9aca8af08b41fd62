"""A process of its own that serves the API on a folder, so that its memory can be measured: `exporting.py FOLDER`."""

import sys
from pathlib import Path

from energy.books import registry
from energy.registry import Meter, Site
from tests.api.served import FIRST, served


def main(folder: Path) -> None:
    """Say the address, and serve until the standard input ends."""
    with served(folder) as one:
        with one.context.books.begin() as db:
            registry.put_site(db, Site("steel-1", "钢厂", "Steel works"), "tests", FIRST)
            for meter in ("fast", "slow"):
                registry.put_meter(db, Meter("steel-1", meter, meter, meter), "tests", FIRST)
        sys.stdout.write(one.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
