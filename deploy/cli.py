"""The one command line, `carbonwatch`."""

import importlib
import sys

import click

from deploy.orphan import end_with_parent
from energy.errors import CarbonwatchError

# A command's module is loaded only when it is asked for: the whole set would take a second.
_COMMANDS = {
    "up": "Run the whole system on this machine, with a demo feed.",
    "setup": "Make and check what an InfluxDB needs to be the store.",
    "health": "Ask every part how it is; exit 1 when one is not well.",
    "doctor": "Check broker, store, books, clocks and disk, and say how to mend them.",
    "whoami": "Show who the key is to the system, and what it may.",
    "sites": "List the sites, register and change them.",
    "meters": "List the meters with their newest values.",
    "energy": "Show energy by window, measured, estimated and missing.",
    "pue": "Show a data centre's PUE by window, with coverage.",
    "alerts": "List alerts.",
    "acknowledge": "Acknowledge an alert.",
    "resolve": "Resolve an alert.",
    "gateway": "Let a gateway in at the broker, and shut it out.",
    "gateways": "Show each gateway's sequence, gaps and ledger.",
    "quarantine": "Show what was refused and what is held, with reasons.",
    "console": "Print a link that opens the console once.",
    "units": "List the energy-using units, make and change them.",
    "regions": "List the regions, make and change them.",
    "accounts": "List people's accounts, make and change them.",
    "keys": "List API keys, make, replace and revoke them.",
    "audit": "Show who did what; or whether all that a simulation sent is there.",
    "export": "Write data to a file.",
    "enter": "Enter readings by hand, from a file.",
    "record": "Write what a broker carries into a file.",
    "simulate": "Play a scenario of plants and faults, and write the truth about it.",
    "replay": "Play a recording, a journal or a data file through the broker.",
    "load": "Put load on a broker, and say how it bore it.",
    "boards": "Write the Grafana board and its provisioning.",
    "demo": "Run the demo feed against a running system.",
    "ingest": "Run ingest alone.",
    "analytics": "Run analytics alone.",
    "api": "Run the API and the console alone.",
}
_MODULE = {"acknowledge": "alerts", "resolve": "alerts", "regions": "units"}


class _Commands(click.Group):
    """Loads a command's module when it is needed, and turns our errors into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"deploy.commands.{_MODULE.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, cmd_name)
        command.short_help = _COMMANDS[cmd_name]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, epilog="Example: carbonwatch up, and in another terminal: carbonwatch alerts")
@click.version_option(package_name="carbonwatch")
def carbonwatch() -> None:
    """From the meter's register to the officer's alert: energy, PUE and what is wrong with them.

    Exit codes: 0 done; 1 the answer is no; 2 set-up or usage.
    """


def main() -> None:
    """The entry point of the console script."""
    end_with_parent()
    try:
        carbonwatch()
    except CarbonwatchError as error:
        click.echo(f"carbonwatch: {' '.join(str(error).split())}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
