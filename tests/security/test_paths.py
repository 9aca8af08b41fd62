"""Paths: nothing outside the console's folder is served, and no name leads out of the data directory."""

import os
import re
import socket
from pathlib import Path

import httpx
import pytest

from api import pages
from energy.errors import InputError
from energy.registry import check_name
from tests.api.served import Served

UP = (
    "/console/../app.py", "/console/..%2fapp.py", "/console/%2e%2e/app.py", "/console/%2e%2e%2fapp.py",
    "/console/..%252fapp.py", "/console/..\\app.py", "/console/..%5capp.py", "/console/....//app.py",
    "/console//etc/passwd", "/console/%2fetc%2fpasswd", "/console/vendor/../../app.py", "/console/./../app.py",
    "/console/%00../app.py", "/console/app.js%00", "/console/app.js/../../app.py", "/console/%c0%ae%c0%ae/app.py",
    "/console/\u2025/app.py", "/..%2f..%2fadmin.key", "//admin.key", "/data/admin.key", "/admin.key", "/console/.",
    "/console/..;/app.py", "/console/" + "../" * 30 + "etc/passwd", "/console/" + "%2e%2e%2f" * 30 + "etc/passwd",
)  # fmt: skip


def raw(one: Served, target: str) -> tuple[int, bytes]:
    """GET with the target as it is written: clients tidy up paths before they send them."""
    address = httpx.URL(one.url)
    with socket.create_connection((address.host, address.port), timeout=10) as line:
        line.sendall(b"GET %s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n"
                     % (target.encode(), address.port or 0))  # fmt: skip
        said = b""
        while piece := line.recv(65536):
            said += piece
    return int(said.split()[1]), said


@pytest.mark.parametrize("path", UP)
def test_no_path_leads_out_of_the_consoles_folder(known: Served, path: str) -> None:
    status, said = raw(known, path)
    assert status in (400, 404), said[:300]
    for inside in (b"import ", b"root:", b"def create_app"):
        assert inside not in said


def test_a_link_in_the_consoles_folder_leads_nowhere(known: Served, tmp_path: Path) -> None:
    """What an unpacked archive could bring: a link to the key is not followed."""
    (tmp_path / "secret").write_text("a secret")
    link = pages._FILES / f"link-{os.getpid()}.txt"
    link.symlink_to(tmp_path / "secret")
    try:
        status, said = raw(known, f"/console/{link.name}")
    finally:
        link.unlink()
    assert status == 404
    assert b"a secret" not in said


@pytest.mark.parametrize(
    "name", ["..", "../x", "a/b", "/etc/passwd", "a\\b", "", ".", "a\x00", "a\n", "~", "$HOME", "a b", "x" * 65, "CON:"]
)
def test_no_name_is_a_path(name: str) -> None:
    """Names of sites, gateways, meters, accounts: folders and files are called after some of them."""
    with pytest.raises(InputError):
        check_name("site", name)


@pytest.mark.parametrize(
    "name", ["../../admin.key", "..%2f..%2fadmin.key", "readings.csv%2f..%2fx", "readings.csv%00.xlsx", "readings.exe",
             "%2e%2e/%2e%2e/books.db", "readings.", "readings..csv", "..csv"]
)  # fmt: skip
def test_an_exports_name_is_one_of_a_few(known: Served, name: str) -> None:
    answer = known.http.get(httpx.URL(f"{known.url}/api/v1/exports/{name}"))
    assert answer.status_code in (404, 422), answer.text


def test_a_download_is_called_by_nothing_that_somebody_said(known: Served) -> None:
    for params in ({}, {"site": "steel-1"}, {"site": "steel-1", "meter": "incomer"}):
        called = known.http.get("/api/v1/exports/readings.csv", params=params).headers["content-disposition"]
        assert re.fullmatch(r'attachment; filename="?[\w.-]+\.csv"?', called), called
    for site in ('x"; filename="evil.exe', "a\r\nX-Evil: 1", "../../x"):
        answer = known.http.get("/api/v1/exports/readings.csv", params={"site": site})
        assert answer.status_code == 422
        assert "x-evil" not in answer.headers


def test_a_file_that_is_there_is_served(known: Served) -> None:
    status, said = raw(known, "/console/app.js")
    assert (status, b"import " in said) == (200, True)
