"""`carbonwatch api`: the HTTP API and the console, until it is told to stop."""

import asyncio
import logging
from pathlib import Path
from types import FrameType

import click
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.context import Context
from deploy import adapters
from deploy.options import service_options
from energy.books.people import digest
from energy.errors import SetupError
from energy.settings import Settings

_PARTS = ("analytics", "broker", "ingest")


@click.command(epilog="Example: carbonwatch api --data data --port 8080")
@service_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8080, show_default=True, help="The port to listen on.")
@click.option("--expect", multiple=True, default=_PARTS, help="A part that health must hear from; may be repeated.")
def api(settings: Settings, host: str, port: int, expect: tuple[str, ...]) -> None:
    """Serve the API under /api/v1 and the console at /."""
    adapters.log_to_stderr()
    readings, windows = adapters.stores(settings)
    context = Context(
        adapters.books(settings), readings, windows, f"http://{host}:{port}", digest(_key(settings.key_file)), expect
    )
    _Server(create_app(context), host, port).run()


class _Server(uvicorn.Server):
    """uvicorn that lets the streams end before it waits for open connections."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._stopping: asyncio.Event = app.state.stopping
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
                server_header=False,
            )
        )
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM and SIGINT: end the streams, then the server."""
        self._stopping.set()
        super().handle_exit(sig, frame)


def _key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SetupError(f"the admin key {path} cannot be read: `carbonwatch up` makes it") from error
