"""A real PostgreSQL of the tests' own: a cluster in a temporary folder, with a fresh database for each who asks."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.neighbours import find, free_port

_USER = "carbonwatch"
_START_S = 30.0
# What a crash of the machine would lose does not matter here; what a crash of the server would, is kept.
_SETTINGS = {
    "fsync": "off", "full_page_writes": "off", "max_connections": "200",
    "shared_buffers": "64MB", "autovacuum_naptime": "60s", "log_min_messages": "fatal",
}  # fmt: skip


class Cluster:
    """One server on 127.0.0.1 and on a socket in its folder, open to the user `carbonwatch` without a password."""

    def __init__(self, folder: Path) -> None:
        """Make the cluster in a folder that belongs to the user it is to run as; it is not started."""
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        self._call("initdb", "-D", f"{folder}/data", "-U", _USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                   "--no-sync")  # fmt: skip

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {**_SETTINGS, "port": str(self.port), "listen_addresses": "127.0.0.1",
                    "unix_socket_directories": str(self._folder)}  # fmt: skip
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", f"{self._folder}/data", *words], stdout=log, stderr=log,
                cwd=self._folder, start_new_session=True, **_as_user(),
            )  # fmt: skip
        self.wait(lambda: self.query("SELECT 1") == [(1,)])

    def stop(self, how: str = "fast") -> None:
        """End it: "fast" breaks every connection, "immediate" is a crash."""
        if self._process is not None:
            self._call("pg_ctl", "-D", f"{self._folder}/data", "-m", how, "-w", "stop")
            self._process.wait()
            self._process = None

    def want_password(self) -> None:
        """From now on nobody comes in by TCP without a password."""
        rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self._folder / "data" / "pg_hba.conf").write_text(rules)
        self.query("SELECT pg_reload_conf()")

    def url(self, database: str = "postgres", *, password: str | None = None) -> str:
        """The address of one of its databases."""
        user = _USER if password is None else f"{_USER}:{password}"
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str | None = None) -> str:
        """The name of a new database, a copy of another if one is named."""
        self._count += 1
        name = f"books_{self._count}"
        copied = sql.SQL("template1") if template is None else sql.Identifier(template)
        self.query(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), copied))
        return name

    def drop_unused(self, names: list[str]) -> list[str]:
        """Drop those that nobody is connected to; the others."""
        used = {row[0] for row in self.query("SELECT DISTINCT datname FROM pg_stat_activity")}
        for name in set(names) - used:
            try:
                self.query(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            except psycopg.errors.ObjectInUse:
                used.add(name)
        return [name for name in names if name in used]

    def query(self, query: str | sql.Composed, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement; its rows."""
        with psycopg.connect(
            host=str(self._folder), port=self.port, user=_USER, dbname=database, autocommit=True, connect_timeout=5
        ) as db:
            done = db.execute(query)
            return done.fetchall() if done.description else []

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until `condition` holds without an error of the database."""
        until = time.monotonic() + _START_S
        while True:
            try:
                if condition():
                    return
            except psycopg.OperationalError:
                assert self._process is None or self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < until, f"PostgreSQL is not ready after {_START_S} s"
            time.sleep(0.05)

    def _call(self, program: str, *args: str) -> None:
        done = subprocess.run(
            [_program(program), *args], cwd=self._folder, capture_output=True, text=True, check=False, **_as_user()
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def postgresql() -> Iterator[Cluster]:
    """A running server for a while."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        if os.geteuid() == 0:  # the server refuses to be root's
            shutil.chown(folder, "postgres", "postgres")
        cluster = Cluster(folder)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop("immediate")
    finally:
        shutil.rmtree(folder)


def _program(name: str) -> str:
    path = find(name)
    assert path is not None, f"{name} of PostgreSQL is not installed"
    return path


def _as_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid}
