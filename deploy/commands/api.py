"""`carbonwatch api`: the HTTP API and the console, until it is told to stop."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from api.app import create_app
from api.context import Context
from api.guard import Walls, hosts
from api.rates import Rules
from deploy import adapters, ground
from deploy.listen import Server, secure
from deploy.options import host_option, port_option, service_options
from energy.books.people import digest
from energy.errors import SetupError
from energy.settings import Settings

_PARTS = ("analytics", "broker", "ingest")
_WILD = ("0.0.0.0", "::", "")  # noqa: S104
_FILE = click.Path(path_type=Path)


@click.command(epilog="Example: carbonwatch api --data data --port 8443 --tls-cert cert.pem --tls-key key.pem")
@service_options
@host_option
@port_option
@click.option("--expect", multiple=True, default=_PARTS, help="A part that health must hear from; may be repeated.")
@click.option("--tls-cert", type=_FILE, default=None, help="Speak TLS with this certificate (PEM, with its chain).")
@click.option("--tls-key", type=_FILE, default=None, help="The certificate's key (PEM, not encrypted).")
@click.option(
    "--public-url", default=None, metavar="URL", help="The address that people use, if a proxy stands before."
)
@click.option("--name", "names", multiple=True, metavar="HOST", help="A further name it answers to; may be repeated.")
def api(
    settings: Settings, host: str, port: int, expect: tuple[str, ...], tls_cert: Path | None, tls_key: Path | None,
    public_url: str | None, names: tuple[str, ...],
) -> None:  # fmt: skip
    """Serve the API under /api/v1 and the console at /."""
    adapters.log_to_stderr()
    if (tls_cert is None) != (tls_key is None):
        raise SetupError("--tls-cert and --tls-key are given together")
    tls = secure(tls_cert, tls_key) if tls_cert and tls_key else None
    port = port or ground.free_port(host, port, "--port")
    own = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    url = _public(public_url or settings.public_url or own)
    readings, windows = adapters.stores(settings)
    context = Context(
        adapters.books(settings), readings, windows, url, digest(_key(settings.key_file)), expect, settings.journal,
        settings.disk_free_bytes,
    )  # fmt: skip
    app = create_app(context, _rules(settings), _walls(settings, host, [own, url], names))
    Server(app, host, port, proxies=settings.proxies, tls=tls).run()


def _rules(settings: Settings) -> Rules:
    return Rules(settings.requests_per_minute, settings.sign_ins_per_minute, settings.streams_per_holder)


def _walls(settings: Settings, host: str, urls: list[str], names: tuple[str, ...]) -> Walls:
    """What the API answers to: its own address, the one that people use, and every name it was told, on any port."""
    told = {name.strip().lower() for name in (*names, *(settings.names or "").split(",")) if name.strip()}
    known = hosts(*urls) | {name if ":" in name else f"{name}:*" for name in told}
    return Walls(
        known, any_address=host in _WILD, body=settings.body_bytes, answer_s=settings.answer_seconds,
    )  # fmt: skip


def _public(url: str) -> str:
    """The address if it can be one: a scheme and a name, perhaps a port."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits or url.rstrip("/") != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        raise SetupError(f"--public-url {url!r} must look like https://carbon.example or http://name:8080")
    return url.rstrip("/")


def _key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SetupError(f"the admin key {path} cannot be read: `carbonwatch up` makes it") from error
