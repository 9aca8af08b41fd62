"""Where the books of a test are: in a file of its folder, or in a PostgreSQL database of its own (`--books`)."""

from contextlib import ExitStack
from pathlib import Path

from energy.books.open import open_books
from tests.postgres import Cluster, postgresql

KINDS = ("sqlite", "postgresql")


class _Books:
    """What is in use: nothing of PostgreSQL is started before a test asks for it."""

    def __init__(self) -> None:
        self.kind = "sqlite"
        self.started = ExitStack()
        self.cluster: Cluster | None = None
        self.template = ""
        self.names: dict[Path, str] = {}

    def server(self) -> Cluster:
        """The tests' own server, with a database that new ones are copied from: ours takes a while to make."""
        if self.cluster is None:
            self.cluster = self.started.enter_context(postgresql())
            self.template = self.cluster.create()
            open_books(self.cluster.url(self.template)).dispose()
        return self.cluster


_books = _Books()


def use(kind: str) -> None:
    """Have all books of this run on one of KINDS."""
    _books.kind = kind


def kind() -> str:
    """The one of KINDS that this run's books are on."""
    return _books.kind


def books_url(folder: Path) -> str:
    """The address of the books of a data directory; the same at every call."""
    if _books.kind == "sqlite":
        return f"sqlite:///{folder}/books.db"
    server = _books.server()
    if folder not in _books.names:
        _books.names[folder] = server.create(_books.template)
    return server.url(_books.names[folder])


def bare_url(folder: Path) -> str:
    """The same, for a test that makes the tables itself."""
    if _books.kind == "postgresql" and folder not in _books.names:
        _books.names[folder] = _books.server().create()
    return books_url(folder)


def books_environment(folder: Path) -> dict[str, str]:
    """What a process needs in its environment to find the books of this data directory."""
    return {} if _books.kind == "sqlite" else {"CARBONWATCH_BOOKS": books_url(folder)}


def tidy() -> None:
    """Drop the databases that nobody is connected to any more."""
    if _books.cluster is not None and _books.names:
        kept = set(_books.cluster.drop_unused(list(_books.names.values())))
        _books.names = {folder: name for folder, name in _books.names.items() if name in kept}


def end() -> None:
    """Stop the server, if there is one."""
    _books.names.clear()
    _books.started.close()
