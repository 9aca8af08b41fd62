"""Which real neighbours the tests ran with, and the one really running system that they share."""

import sys
from collections import Counter
from collections.abc import Generator, Iterator

import pytest

from tests import where_books
from tests.neighbours import present
from tests.system import System, running_system

NEIGHBOURS = {
    "mosquitto": "Mosquitto",
    "influxdb": "InfluxDB",
    "postgresql": "PostgreSQL",
    "chromium": "Chromium",
    "alertmanager": "Alertmanager",
    "openssl": "OpenSSL",
}
NEED = "needs"  # a report's property: a neighbour that its test needs
_ran: Counter[str] = Counter()
_skipped: Counter[str] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --require and --books."""
    names = ", ".join(NEIGHBOURS)
    parser.addoption("--require", default="", metavar="A,B", help=f"fail where one of these is absent: {names}")
    parser.addoption("--books", default="sqlite", choices=where_books.KINDS, help="where every test keeps its books")


def required(config: pytest.Config) -> list[str]:
    """The names given to --require."""
    return [name.strip() for name in str(config.getoption("--require")).split(",") if name.strip()]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """End with 2 at once where --require names what nobody knows."""
    unknown = [name for name in required(config) if name not in NEIGHBOURS]
    if unknown:
        known = ", ".join(NEIGHBOURS)
        sys.stderr.write(f"--require: no such neighbour: {', '.join(unknown)}; there are: {known}\n")
        return 2
    where_books.use(str(config.getoption("--books")))
    if where_books.kind() == "postgresql" and present("postgresql") is None:
        sys.stderr.write("--books postgresql: PostgreSQL is absent\n")
        return 2
    return None


def pytest_report_header() -> str:
    """Where the books are."""
    return f"books: {where_books.kind()}"


def pytest_unconfigure() -> None:
    """Stop what the books were on."""
    where_books.end()


def needed(item: pytest.Item) -> list[str]:
    """The neighbours that a test's `needs` marks name; a UsageError for a name that nobody knows."""
    names = [str(name) for mark in item.iter_markers("needs") for name in mark.args]
    for name in names:
        if name not in NEIGHBOURS:
            raise pytest.UsageError(
                f"{item.nodeid}: needs({name!r}) is no neighbour; there are: {', '.join(NEIGHBOURS)}"
            )
    return names


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose neighbour is absent, or fail it where that one is required."""
    names = needed(item)
    item.user_properties += [(NEED, name) for name in names]
    for name in names:
        if present(name) is None:
            if name in required(item.config):
                pytest.fail(f"{NEIGHBOURS[name]} is required, and absent", pytrace=False)
            pytest.skip(f"{NEIGHBOURS[name]} is absent")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Leave no books of a test that is over."""
    yield
    where_books.tidy()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the tests that really ran with each neighbour, in whichever process that was."""
    names = {str(name) for what, name in report.user_properties if what == NEED}
    if report.when == "call" and not report.skipped:
        _ran.update(names)
    elif report.when == "setup" and report.skipped:
        _skipped.update(name for name in names if present(name) is None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A required neighbour that is absent fails the whole, even where no test asked for it."""
    absent = [name for name in required(session.config) if present(name) is None]
    if absent and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of the neighbours: version and number of tests with each, and loudly what was not tested."""
    terminalreporter.section("neighbours")
    terminalreporter.write_line(f"{'Books':<13} {where_books.kind()}")
    for name, title in NEIGHBOURS.items():
        version = present(name)
        if version is not None:
            terminalreporter.write_line(f"{title:<13} {version:<24} {_ran[name]:>4} tests ran with it")
        elif name in required(config):
            terminalreporter.write_line(f"{title:<13} ABSENT, AND REQUIRED: this run fails", red=True, bold=True)
        else:
            said = f"{title:<13} ABSENT: {_skipped[name]} tests SKIPPED, nothing is said about it"
            terminalreporter.write_line(said, yellow=True, bold=True)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A whole running system with its demo feed, shared by all tests; its data directory is called `data`."""
    with running_system(tmp_path_factory.mktemp("system") / "data") as up:
        yield up
