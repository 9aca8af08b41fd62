"""Schemathesis over the whole OpenAPI document: whatever is sent, no answer is a fault of ours."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from energy.books import parts
from tests.api.served import KEY, Served

NEVER_ENDS = "/api/v1/stream"  # test_stream_resume.py has it


@contextmanager
def alive(one: Served) -> Iterator[None]:
    """Ingest says that it is well as long as this lasts: else health is 503, as it should be."""
    over = threading.Event()

    def say() -> None:
        while not over.wait(3):
            with one.context.books.begin() as db:
                parts.say(db, "ingest", ok=True, detail={}, now=one.context.now())

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_no_request_that_the_document_allows_or_forbids_is_a_fault_of_ours(
    fresh: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    report = tmp_path / "report.json"
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{fresh.url}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {KEY}", "--checks", "not_a_server_error", "--exclude-path", NEVER_ENDS,
        "--phases", "examples,coverage,fuzzing", "--max-examples", "2", "--seed", "1", "--generation-database", "none",
        "--report", "json", "--report-json-path", str(report), "--no-color", "--warnings", "off",
    ]  # fmt: skip
    with alive(fresh), caplog.at_level(logging.ERROR):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    found = json.loads(report.read_text("utf-8"))
    assert (found["failures"], found["errors"], found["complete"]) == ([], [], True)
    whole = {(path, method) for path, methods in fresh.app.openapi()["paths"].items() for method in methods}
    assert found["operations"]["tested"] == len(whole) - 1
    assert found["test_cases"]["generated"] > 1000
    assert [record.getMessage() for record in caplog.records if record.name.startswith("api")] == []
    assert fresh.get("/sites")["items"]
