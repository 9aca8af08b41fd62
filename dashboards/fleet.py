"""The fleet's board: live power, energy and PUE of every site, and how much of it is known."""

# ruff: noqa: S608 - InfluxQL of this module's own names; there is no input in it
from dashboards import board as b
from dashboards.board import Json, Panel, Query
from energy.limits import FIRST_ROWS, in_force

_SITE = '"site" =~ /^${site:regex}$/'
_CHOSEN = f"{_SITE} AND $timeFilter"
_KNOWN = f'"quality" < 2 AND {_CHOSEN}'
_LIVE_GAP_MS = 30 * 60 * 1000  # two reporting periods without a reading break the line
_HOUR_MS = 60 * 60 * 1000
_WINDOW_S = 900


def fleet(
    zone: str = "Asia/Shanghai",
    pue_limit: float = in_force(FIRST_ROWS, "pue.limit", 0).value,
    floor: float = in_force(FIRST_ROWS, "coverage.floor", 0).value,
) -> Json:
    """The board as Grafana's JSON; days are days of `zone`; the limit of PUE and the floor of coverage are lines."""
    grain = f"time($grain), \"site\" fill(null) tz('{zone}')"
    return b.board(
        "carbonwatch-fleet",
        "总览 Fleet",
        zone,
        [
            b.query_variable("site", "站点 Site", 'SHOW TAG VALUES FROM "meter" WITH KEY = "site"'),
            b.choice_variable("grain", "时段 Grain", ("15m", "1h", "1d"), "1h"),
        ],
        [
            [_power_now(), _pue_now(pue_limit), _coverage_now(floor), _estimated_now()],
            [_live_power(), _live_meters()],
            [_energy(grain), _completeness(grain, floor)],
            [_pue(pue_limit), _coverage(floor)],
            [_shares(zone)],
        ],
    )


def _power_now() -> Panel:
    return Panel(
        "平均功率 Mean power",
        "最近一个完整 15 分钟时段的平均功率。 Mean power of each site's newest window that is known whole.",
        "stat",
        [Query(f'SELECT last("kwh") * 4 FROM "site" WHERE {_KNOWN} GROUP BY "site"', "$tag_site")],
        6, 5, {"unit": "kwatt", "decimals": 0}, b.STAT,
    )  # fmt: skip


def _pue_now(limit: float) -> Panel:
    return Panel(
        "PUE（所选时间）PUE over the range",
        "Σ 设施电量 ÷ Σ IT 电量，仅含完整时段；不足十二个月，为中期值。 "
        "Σ facility ÷ Σ IT over the windows known whole; an interim value while the range is under twelve months.",
        "stat",
        [Query(_ratio('GROUP BY "site"'), "$tag_site")],
        6, 5, b.limit_line({"unit": "none", "decimals": 3}, "green", limit, "red"), b.STAT,
    )  # fmt: skip


def _coverage_now(floor: float) -> Panel:
    text = f'SELECT count("it_kwh") * {_WINDOW_S} / $__range_s FROM "pue" WHERE {_KNOWN} GROUP BY "site"'
    return Panel(
        "PUE 覆盖率 Coverage of PUE",
        "所选时间内边界电表齐全的时段占比；低于下限不作判定。 "
        "Share of the range's windows with every meter of the boundary; no verdict under the floor.",
        "stat",
        [Query(text, "$tag_site")],
        6, 5, b.limit_line({"unit": "percentunit", "decimals": 1, "max": 1}, "red", floor, "green"), b.STAT,
    )  # fmt: skip


def _estimated_now() -> Panel:
    flagged = f'SELECT "quality" AS "q" FROM "energy" WHERE {_KNOWN} GROUP BY "site", "meter"'
    return Panel(
        "估算占比 Estimated share",
        "已知时段中按估算得出的占比。 Share of the known 15-minute windows of all meters that rest on an estimate.",
        "stat",
        # quality is 0 (measured) or 1 (estimated) here, so that its mean is the share of 1
        [Query(f'SELECT mean("q") FROM ({flagged}) WHERE $timeFilter GROUP BY "site"', "$tag_site")],
        6, 5, {"unit": "percentunit", "decimals": 1}, b.STAT,
    )  # fmt: skip


def _live_power() -> Panel:
    text = f'SELECT mean("p_kw") FROM "meter" WHERE {_CHOSEN} GROUP BY time($__interval), "site", "meter" fill(none)'
    return Panel(
        "实时功率 Live power",
        "各电表的有功功率。 Active power of each meter; sub-meters are part of their parents, so do not add them up.",
        "timeseries",
        [Query(text, "$tag_site · $tag_meter")],
        16, 10, b.lines("kwatt", insertNulls=_LIVE_GAP_MS), b.LEGEND,
    )  # fmt: skip


def _live_meters() -> Panel:
    newest = ", ".join(
        f'last("{field}") AS "{unit}"' for field, unit in (("p_kw", "kW"), ("steam_th", "t/h"), ("gas_m3h", "m³/h"))
    )
    return Panel(
        "最新读数 Latest readings",
        "所选时间内各表最新的瞬时值。 The newest flow of each meter in the range.",
        "table",
        [Query(f'SELECT {newest} FROM "meter" WHERE {_CHOSEN} GROUP BY "site", "meter"')],
        8, 10, {"decimals": 1}, {"showHeader": True, "cellHeight": "sm"},
        # with several selectors the time is the range's start and says nothing
        [{"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {
            "site": "站点 Site", "meter": "仪表 Meter"}}}],
    )  # fmt: skip


def _energy(grain: str) -> Panel:
    return Panel(
        "电量 Energy by site",
        "各站点完整时段的电量；缺失不等于零。 Electricity of each site over windows known whole; missing is not zero.",
        "timeseries",
        [Query(f'SELECT sum("kwh") FROM "site" WHERE {_KNOWN} GROUP BY {grain}', "$tag_site")],
        12, 9, b.bars("kwatth"), b.LEGEND,
    )  # fmt: skip


def _completeness(grain: str, floor: float) -> Panel:
    text = f'SELECT sum("meters") / sum("expected") FROM "site" WHERE {_CHOSEN} GROUP BY {grain}'
    return Panel(
        "数据完整率 Completeness by site",
        "有值的电表时段 ÷ 应有的电表时段。 Meter windows with a value ÷ meter windows expected.",
        "timeseries",
        [Query(text, "$tag_site")],
        12, 9, b.limit_line({**b.lines("percentunit"), "min": 0, "max": 1}, "red", floor, "green"), b.LEGEND,
    )  # fmt: skip


def _pue(limit: float) -> Panel:
    return Panel(
        "PUE（每小时）PUE by hour",
        f"Σ 设施电量 ÷ Σ IT 电量，红线为限值 {limit:g}；小时值为中期值。 "
        f"Σ facility ÷ Σ IT; the line is the limit of {limit:g}; values of an hour are interim.",
        "timeseries",
        [Query(_ratio('GROUP BY time(1h), "site"'), "$tag_site")],
        12, 9, {**b.limit_line(b.lines("none", insertNulls=_HOUR_MS), "green", limit, "red"), "decimals": 3}, b.LEGEND,
    )  # fmt: skip


def _coverage(floor: float) -> Panel:
    text = f'SELECT count("it_kwh") / 4 FROM "pue" WHERE {_KNOWN} GROUP BY time(1h), "site" fill(0)'
    return Panel(
        "PUE 覆盖率（每小时）Coverage of PUE by hour",
        "每小时四个时段中边界电表齐全的占比；首尾小时可能不全。 "
        "Share of each hour's four windows with every meter of the boundary; the range cuts its first and last hour.",
        "timeseries",
        [Query(text, "$tag_site")],
        12, 9, b.limit_line({**b.lines("percentunit"), "min": 0, "max": 1}, "red", floor, "green"), b.LEGEND,
    )  # fmt: skip


def _shares(zone: str) -> Panel:
    kinds = ((0, "实测 Measured"), (1, "估算 Estimated"), (2, "缺失 Missing"))
    texts = [
        f'SELECT count("quality") FROM "energy" WHERE "quality" = {quality} AND {_CHOSEN} '
        f"GROUP BY time($grain) fill(0) tz('{zone}')"
        for quality, _ in kinds
    ]
    return Panel(
        "实测、估算、缺失 Measured, estimated, missing",
        "台账中 15 分钟时段按来源的占比。 What the accounts' 15-minute windows of all meters rest on.",
        "timeseries",
        [Query(text, name) for text, (_, name) in zip(texts, kinds, strict=True)],
        24, 8, b.bars("none", "percent"), b.LEGEND,
    )  # fmt: skip


def _ratio(group: str) -> str:
    """PUE as a ratio of sums; where no IT energy is known there is none, while InfluxQL would divide by 0 to 0."""
    sums = f'SELECT sum("facility_kwh") AS "f", sum("it_kwh") AS "i" FROM "pue" WHERE {_KNOWN} {group}'
    return f'SELECT "f" / "i" FROM ({sums}) WHERE "i" > 0 GROUP BY "site"'
