"""Every way to tamper with a store, a journal or the books is found, named by its word, at its place."""

import hashlib

import pytest
from sqlalchemy import select

from energy.books import tables as t
from simulators.audit.finding import Finding
from simulators.audit.report import Report
from tests.simulators.audit.lab import Lab
from tests.simulators.audit.tampering import (
    METER,
    TAMPERINGS,
    Place,
    Tampering,
    change_value,
    copy_to_another_meter,
    delete_conflict,
    delete_held,
    delete_refusal,
    delete_refused_message,
    delete_value,
    insert_row,
    move_reading,
)


def test_the_run_as_it_is_is_well(lab: Lab) -> None:
    report = lab.audit()
    assert report.findings == []
    assert report.well
    counts = report.counts
    accounted = sum(counts[name] for name in ("stored", "duplicates", "conflicts", "held", "refused"))
    assert accounted == counts["values"] > 800
    assert all(counts[name] > 0 for name in ("stored", "duplicates", "conflicts", "held", "refused"))
    fates = {fault["kind"]: set(fault["values"]) for fault in report.faults}
    assert fates["contradiction"] == {"conflict"}
    assert fates["duplicate"] == {"duplicate"}
    assert fates["impossible"] == {"refused", "stored"}
    assert fates["unregistered"] == {"held", "refused"}  # some of them in messages that could not be read
    with lab.books.connect() as db:
        assert db.execute(select(t.quarantine.c.id)).first() is not None


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda one: one.name)
def test_tampering_is_found_named_and_gone_when_it_is_undone(lab: Lab, tampering: Tampering) -> None:
    with lab.kept():
        place = tampering.do(lab)
        report = lab.audit()
    assert not report.well
    assert _words(report) == {tampering.word, *tampering.also}
    found = [finding for finding in report.findings if finding.kind == tampering.word and _is_at(finding, place)]
    assert found, report.findings
    assert all(finding.text and finding.site in ("mill", "") for finding in report.findings)
    assert report.total <= 2, report.findings
    assert lab.audit().findings == []


def test_without_the_journal_everything_else_is_compared(lab: Lab) -> None:
    assert lab.audit(journal=False).well
    for tampering in TAMPERINGS:
        if tampering.do in (delete_value, change_value, move_reading, copy_to_another_meter, delete_conflict,
                            delete_held, delete_refusal, delete_refused_message):  # fmt: skip
            with lab.kept():
                tampering.do(lab)
                assert _words(lab.audit(journal=False)) == {tampering.word}, tampering.name


def test_more_findings_are_counted_than_kept(lab: Lab) -> None:
    with lab.kept():
        lab.change(f"DELETE FROM point WHERE series IN {METER}", "pumps")
        few, all_ = lab.audit(keep=1), lab.audit(keep=1000)
    assert few.found == all_.found
    assert (len(few.findings), few.total) == (1, len(all_.findings))
    assert few.found["lost"] == sum(finding.count for finding in all_.findings)


def test_a_message_is_named_by_boot_number_and_place(lab: Lab) -> None:
    with lab.kept():
        delete_value(lab)
        text = lab.audit().findings[0].text
    number = int(text.partition("message ")[2].partition(" ")[0])
    message = lab.message(message=str(number))
    assert f"(boot {message['boot']}, number {message['seq']}, journal w1 " in text
    assert f"row {lab.row_of(number)})" in text


def test_the_sha256_of_an_invented_row_is_told(lab: Lab) -> None:
    with lab.kept():
        insert_row(lab)
        text = lab.audit().findings[0].text
    assert hashlib.sha256(b'{"readings": []}').hexdigest()[:12] in text


def _words(report: Report) -> set[str]:
    return {word for word, number in report.found.items() if number}


def _is_at(finding: Finding, place: Place) -> bool:
    return all(getattr(finding, name) == value for name, value in place.items())
