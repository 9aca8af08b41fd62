"""A scenario says everything that is wrong with it, and what ships is right and whole."""

import re
from pathlib import Path

import pytest

from energy.errors import InputError
from simulators.faults import AnyFault
from simulators.faults.fault import parse_moment
from simulators.kinds import KINDS
from simulators.scenario import read_scenario

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml"))
PAGE = (SHIPPED[0].parents[1] / "docs" / "scenarios.md").read_text("utf-8")
HEAD = 'name = "x"\nstart = 2026-03-02\ndays = 1\n[[site]]\nid = "s"\nkind = "paper_mill"\n'


def trouble(folder: Path, text: str) -> str:
    file = folder / "bad.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_scenario(file)
    assert error.value.reason == "bad_scenario"
    return error.value.detail


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_ships_can_be_read_and_says_what_it_is_about(file: Path) -> None:
    scenario = read_scenario(file)
    assert scenario.name == file.stem
    assert scenario.about


def test_everything_has_every_kind_of_site_and_of_fault() -> None:
    scenario = read_scenario(SHIPPED[0].parent / "everything.toml")
    assert {site.kind for site in scenario.site} == KINDS.keys()
    assert {type(fault) for fault in scenario.fault} == set(AnyFault.__args__)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "cannot be read"),
        (HEAD.replace("2026-03-02", '"soon"'), "start"),
        (HEAD.replace("days = 1", "days = 0"), "days = 0 is not 1 to 3660"),
        (HEAD.replace("days = 1", 'days = 1\nevery = "7 min"'), "every = '7 min' is neither a part nor a multiple"),
        (HEAD.replace("days = 1", 'days = 1\nevery = "soon"'), "'soon' is not a length of time"),
        (HEAD.replace("days = 1", 'days = 1\nzone = "Mars/Base"'), "zone = 'Mars/Base' is no IANA time zone"),
        (HEAD.replace("days = 1", "days = 1\ndaze = 2"), "unknown field `daze`"),
        (HEAD.replace("paper_mill", "moon_base"), "site s: kind 'moon_base' is none of steel_works"),
        (HEAD.replace('"s"', '"a/b"'), "site 'a/b'"),
        (HEAD + '[[site]]\nid = "s"\nkind = "paper_mill"\n', "site s stands there twice"),
        (HEAD + 'only = ["boiler"]\n', "site s: paper_mill has no meter boiler"),
        (HEAD + "meter.pumps = { digits = 11 }\n", "meter s/pumps: digits 1 to 10"),
        (HEAD + "meter.pumps = { multiplier = 0 }\n", "meter s/pumps: multiplier must be 1 or more"),
        (HEAD + "meter.pumps = { digits = 3, first = 1000.0 }\n", "first = 1000.0 is not on the display"),
        (HEAD + 'gateway = [{ name = "a" }, { name = "b" }]\n', "exactly one gateway may leave out `meters`"),
        (HEAD + 'gateway = [{ name = "a", meters = ["steam"] }]\n', "each meter needs one gateway"),
        (HEAD + 'gateway = [{ name = "manual" }]\n', "no gateway may be called 'manual'"),
        (HEAD + "gateway = [{ batch = 0 }]\n", "batch = 0 is not 1 to 500"),
        (HEAD + 'gateway = [{ drift = "much" }]\n', "'much' is not a length of time"),
    ],
)  # fmt: skip
def test_a_bad_scenario_is_told_so(tmp_path: Path, text: str, said: str) -> None:
    assert said in trouble(tmp_path, text)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ('kind = "sabotage"\nat = "s"\nfrom = "day 1 00:00"', "fault 1: Invalid value 'sabotage'"),
        ('kind = "spike"\nat = "s/pumps"\nfrom = "day 1 00:00"', "fault 1: Object missing required field `by`"),
        ('kind = "spike"\nat = "s/pumps"\nfrom = "day 1 00:00"\nby = 2.0\nsize = 3', "unknown field `size`"),
        ('kind = "spike"\nat = "s/pumps"\nfrom = "noon"\nby = 2.0', "'noon' is not a moment such as day 2 06:30"),
        ('kind = "spike"\nat = "s/pumps"\nfrom = "day 1 24:00"\nby = 2.0', "is not a moment"),
        ('kind = "spike"\nat = "s/boiler"\nfrom = "day 1 00:00"\nby = 2.0', "site s plays no meter boiler"),
        ('kind = "spike"\nat = "t/pumps"\nfrom = "day 1 00:00"\nby = 2.0', "there is no site t"),
        ('kind = "spike"\nat = "s/pumps"\nfrom = "day 1 00:00"\nfor = "0 s"\nby = 2.0', "is not above 0"),
        ('kind = "drift"\nat = "s/pumps"\nfrom = "day 1 00:00"\nby = 2.0', "it needs `for`"),
        ('kind = "leak"\nat = "s/pumps"\nfrom = "day 1 00:00"\nlevel = -1.0', "level must be above 0"),
        ('kind = "bypassed"\nat = "s/pumps"\nfrom = "day 1 00:00"\nshare = 1.5', "share must be above 0, at most 1"),
        ('kind = "outage"\nat = "s/gw-1"\nfrom = "day 1 00:00"', "it needs `for`"),
        ('kind = "outage"\nat = "s/pumps"\nfrom = "day 1 00:00"\nfor = "1 h"', "site s has no gateway pumps"),
        ('kind = "gap"\nat = "s/nowhere"\nfrom = "day 1 00:00"', "site s has no gateway or meter nowhere"),
        ('kind = "late"\nat = "s"\nfrom = "day 1 00:00"\ndelay = "-1 h"', "delay must be above 0"),
        ('kind = "clock_skew"\nat = "s"\nfrom = "day 1 00:00"\nby = "0 s"', "by must not be 0"),
        ('kind = "contradiction"\nat = "s"\nfrom = "day 1 00:00"\nby = 0.0', "by must be above -1 and not 0"),
        ('kind = "impossible"\nat = "s"\nfrom = "day 1 00:00"\nhow = "odd"', "Invalid enum value 'odd'"),
        ('kind = "pue_meters_swapped"\nat = "s/pumps"\nother = "x"\nfrom = "day 1 00:00"', "plays no meter x"),
    ],
)  # fmt: skip
def test_a_bad_fault_is_told_so_with_its_number(tmp_path: Path, fault: str, said: str) -> None:
    detail = trouble(tmp_path, f"{HEAD}[[fault]]\n{fault}\n")
    assert said in detail
    assert "fault 1" in detail


def test_every_trouble_is_told_at_once(tmp_path: Path) -> None:
    detail = trouble(
        tmp_path,
        HEAD.replace("days = 1", "days = 0") + 'only = ["boiler"]\n[[fault]]\nkind = "gap"\nat = "t"\nfrom = "never"\n',
    )
    assert all(said in detail for said in ("days = 0", "no meter boiler", "'never' is not a moment"))


def test_moments_count_from_the_first_days_midnight() -> None:
    assert parse_moment("day 1 00:00") == 0
    assert parse_moment("day 3 23:59") == 3 * 86_400_000 - 60_000


def test_the_pages_first_scenario_is_a_scenario(tmp_path: Path) -> None:
    first = tmp_path / "mine.toml"
    first.write_text(PAGE.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert read_scenario(first).fault[0].kind == "leak"
    site = tmp_path / "site.toml"
    more = PAGE.split("```toml\n")[2].split("```")[0]
    site.write_text('name = "x"\nstart = 2026-03-02\ndays = 1\n' + more, encoding="utf-8")
    assert read_scenario(site).site[0].gateway_of("pumps") == "rest"


def test_the_page_names_every_kind_of_fault_with_its_settings_and_every_scenario() -> None:
    rows = [row for row in PAGE.split("\n") if row.startswith("| `") and row.count("|") == 5]
    told = {kind for row in rows for kind in re.findall("`([a-z_]+)`", row.split("|")[1])}
    assert told == {fault.__struct_config__.tag for fault in AnyFault.__args__}
    for fault in AnyFault.__args__:
        [row] = [row for row in rows if f"`{fault.__struct_config__.tag}`" in row]
        own = set(fault.__struct_fields__) - {"at", "begin", "length", "note"}
        assert own == set(re.findall("`([a-z_]+)`", row.split("|")[3])), fault
    assert all(f"`scenarios/{file.name}`" in PAGE for file in SHIPPED)
