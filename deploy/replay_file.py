"""Replays a data file as a gateway would send it, and waits until all of it can be queried."""

import time
from dataclasses import asdict

import click

from deploy.replay_show import Show
from deploy.whereabouts import Whereabouts
from energy.window import to_text
from simulators import replay as player
from simulators.gateway import Gateway
from simulators.readers.recording import Recording
from simulators.registering import register
from simulators.replay_control import Control


def play_file(where: Whereabouts, recording: Recording, name: str, control: Control, show: Show) -> None:
    """Register, send, wait and print; ClickException when values were refused or differ. `name` is the gateway's."""
    client, site, begun = where.now.client, recording.site.id, time.monotonic()
    new = register(client, recording.site, recording.meters)
    before = player.ledger_of(client, site, name)
    show.note(f"registered {', '.join(new)}" if new else "site and meters are registered")
    gateway = Gateway(where.broker("replay"), site, name, move=lambda: where.moved("replay"))
    gateway.start()
    meters = [meter.id for meter in recording.meters]
    try:
        sent = player.send(gateway, recording, control, show.progress)
        ledger = player.wait_queryable(where.client, site, name, gateway, meters, show.word).since(before)
    finally:
        gateway.stop()
    zone = recording.site.zone
    show.summary({
        "site": site, "meters": ",".join(meters), "gateway": name, "boot": gateway.boot, "readings": sent,
        "messages": gateway.last_seq, "from": to_text(recording.first, zone), "to": to_text(recording.last, zone),
        "seconds": round(time.monotonic() - begun, 1), **asdict(ledger), "complete": sent == recording.count,
    })  # fmt: skip
    if ledger.refused or ledger.conflict or ledger.undecodable:
        raise click.ClickException(
            f"not all of it was taken: {ledger.refused} values refused, {ledger.conflict} other than what is stored "
            "already; see `carbonwatch quarantine`"
        )
