"""`python -m benchmarks.feed`: how many messages a second `carbonwatch load` gets acknowledged by Mosquitto 2."""

import argparse
import json
import os
import platform
import subprocess

from tabulate import tabulate

from benchmarks import report
from tests import neighbours
from tests.source import ROOT
from tests.system import COMMAND, plain_environment

SHAPES = [(gateways, per_message) for per_message in (1, 20) for gateways in (1, 10, 100)]
HEAD = ["gateways", "readings in a message", "bytes", "asked for", "messages/s", "readings/s", "p50 ms", "p90 ms",
        "p99 ms", "most ms", "load's CPU s", "unacknowledged"]  # fmt: skip


def main() -> None:
    """Measure, print, and write docs/benchmarks.md where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feed", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each of the eight measurements (8)")
    parser.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    args = parser.parse_args()
    runs = [*((gateways, per_message, "max") for gateways, per_message in SHAPES), (10, 1, "6000"), (10, 20, "6000")]
    with neighbours.mosquitto() as port:
        rows = [row(port, *run, args.seconds) for run in runs]
    cores = len(os.sched_getaffinity(0))
    machine = f"{cores} cores ({platform.machine()}), Python {platform.python_version()}"
    broker = f"Mosquitto {neighbours.present('mosquitto')}"
    text = f"Measured on {machine}, {broker} on the same cores, {args.seconds:g} s each.\n\n"
    text += tabulate(rows, HEAD, tablefmt="github", disable_numparse=True)
    print(text)
    if args.write:
        report.write(ROOT / "docs" / "benchmarks.md", "feed", text)


def row(port: int, gateways: int, per_message: int, rate: str, seconds: float) -> list[object]:
    """One run of the command."""
    command = [str(COMMAND), "load", "--mqtt", f"mqtt://127.0.0.1:{port}", "--gateways", str(gateways),
               "--meters", "20", "--readings-per-message", str(per_message), "--rate", rate, "--seconds", str(seconds),
               "--output", "json"]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=plain_environment(), check=False)
    said = json.loads(done.stdout)
    latency = said["latency_ms"]
    return [gateways, per_message, said["message_bytes"], rate, f"{said['rate']:.0f}", f"{said['readings_rate']:.0f}",
            latency["p50"], latency["p90"], latency["p99"], latency["max"], said["cpu_seconds"],
            said["unacknowledged"]]  # fmt: skip


if __name__ == "__main__":
    main()
