"""Runs a `carbonwatch` command with a profile of every thread: `python -P profiled.py FILE ingest --data …`."""

import cProfile
import pstats
import sys
import threading

from deploy.cli import main


def run(out: str, words: list[str]) -> None:
    """Run the command until it ends and write what all threads did to `out`, as pstats does."""
    profiles = [cProfile.Profile()]
    plain = threading.Thread.run

    def profiled(self: threading.Thread) -> None:
        profiles.append(cProfile.Profile())
        profiles[-1].runcall(plain, self)

    threading.Thread.run = profiled  # type: ignore[method-assign]
    sys.argv = ["carbonwatch", *words]
    try:
        profiles[0].runcall(main)
    finally:
        stats = pstats.Stats(profiles[0])
        for one in profiles[1:]:
            stats.add(one)
        stats.dump_stats(out)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2:])
