"""The console in a real browser, before a really running system."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import PHONE, Page, chromium
from tests.system import System

pytestmark = pytest.mark.needs("chromium")

ALERTS_S = 180.0
KINDS = {"pue_over_limit", "off_profile"}


def link(system: System) -> str:
    return str(system.client.post("/console-links")["url"])


@pytest.fixture
def page(system: System) -> Iterator[Page]:
    """The console, opened by a link; at the end the browser must have had nothing to complain about."""
    with chromium() as page:
        page.open(link(system))
        page.ready()
        yield page
        assert page.complaints() == []


def open_alerts(page: Page) -> dict[str, str]:
    """The kinds of the alerts on the page that are not resolved → their ids."""
    cards = page.all("#alerts-active [data-alert], #alerts-acknowledged [data-alert]")
    return {str(card.get_attribute("data-kind")): str(card.get_attribute("data-alert")) for card in cards}


def wait_for_alerts(page: Page) -> dict[str, str]:
    page.until(lambda: open_alerts(page).keys() >= KINDS, "the two alerts of the demo are not shown", ALERTS_S)
    return open_alerts(page)


def figure(page: Page, css: str) -> float:
    return float(page.text(css).replace(",", ""))


def test_a_link_opens_the_page_once_only(system: System) -> None:
    once = link(system)
    with chromium() as first:
        first.open(once)
        first.ready()
        cookie = next(iter(first.driver.get_cookies()))
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert first.driver.current_url == f"{system.url}/"
    with chromium() as second:
        second.open(once)
        assert "carbonwatch console" in second.driver.page_source
        second.open(f"{system.url}/")
        second.until(lambda: "carbonwatch console" in second.text("#signin"), "the page does not say how to get a link")
        assert not second.one("#room").is_displayed()


def test_the_page_follows_the_live_meters(system: System, page: Page) -> None:
    meters = {f"{meter['site']}/{meter['id']}" for meter in system.client.meters()}
    page.until(lambda: {row.get_attribute("data-meter") for row in page.all("tr[data-meter]")} >= meters, "meters")
    row = 'tr[data-meter="steel-1/incomer"]'
    page.until(lambda: page.one(row).get_attribute("data-status") == "live", "the incomer is not live")
    before = page.text(f"{row} .register")
    page.until(lambda: page.text(f"{row} .register") != before, "the register stands still")
    assert figure(page, '[data-site="steel-1"] .power-value') > 0
    assert "kW" in page.text(f"{row} .flow")


def test_both_alerts_show_cause_curve_and_readings(system: System, page: Page) -> None:
    alerts = wait_for_alerts(page)
    said = {str(alert["id"]): alert for alert in system.client.alerts()}
    for kind in KINDS:
        card = f'[data-alert="{alerts[kind]}"]'
        shown = said[alerts[kind]]
        assert page.text(f"{card} h3") == shown["what"]["zh"]
        page.one(f"{card} .chart canvas")
        page.one(f"{card} details.readings summary").click()
        rows = page.all(f"{card} details.readings tbody tr")
        assert len(rows) == len(shown["evidence"]["readings"]) > 0
        assert all(row.is_displayed() for row in rows)
    assert "1.30" in page.text(f'[data-alert="{alerts["pue_over_limit"]}"] .figures')


def test_the_pue_panel_has_value_limit_and_curve(system: System, page: Page) -> None:
    panel = '#pue [data-site="dc-1"]'
    page.one(f"{panel} .chart canvas")
    newest = system.client.get("/pue", site="dc-1", step="rolling")["items"][-1]
    assert figure(page, f"{panel} .verdict b") == pytest.approx(newest["pue"], abs=0.01)
    assert page.one(f"{panel} .verdict").get_attribute("data-verdict") == "exceeds"
    assert "1.3" in page.text(f"{panel} .source")
    page.all("#pue-range button")[0].click()
    page.one(f"{panel} .chart canvas")
    assert page.all("#pue-range button")[0].get_attribute("aria-pressed") == "true"


def test_a_meter_opens_its_energy(system: System, page: Page) -> None:
    page.one('tr[data-meter="dc-1/it"] .meter-name').click()
    name = next(meter["name_zh"] for meter in system.client.meters("dc-1") if meter["id"] == "it")
    page.until(lambda: page.text("#meter-name") == name, "another meter is shown")
    page.one("#meter-energy canvas")
    states = {row.get_attribute("data-state"): row for row in page.all("#meter-panel .counts li")}
    assert set(states) == {"measured", "estimated", "missing"}
    counts = [int(row.text.split()[-1].replace(",", "")) for row in states.values()]
    assert sum(counts) == 96
    assert figure(page, "#meter-panel .panel-total b") > 0


def test_the_language_changes_and_is_remembered(page: Page) -> None:
    assert page.text("#alerts-title") == "告警"
    page.one("#lang").click()
    assert page.text("#alerts-title") == "Alerts"
    assert page.one("html").get_attribute("lang") == "en"
    page.driver.refresh()
    page.ready()
    assert page.text("#meters-title") == "Live meters"
    page.open(f"{page.driver.current_url}?lang=zh")
    page.ready()
    assert page.text("#meters-title") == "实时电表"


def test_nothing_stands_over_the_edge_of_a_phone(page: Page) -> None:
    wait_for_alerts(page)
    page.resize(PHONE)
    page.until(lambda: page.width() == PHONE.width, f"the page is {page.width()} px wide")
    assert page.all("#alerts-active [data-act], #alerts-acknowledged [data-act]")


def test_acknowledging_keeps_who_when_and_the_note(system: System, page: Page) -> None:
    wait_for_alerts(page)
    active = page.all("#alerts-active [data-alert]")
    assert active, "no alert is active any more: another test has taken them all"
    ident = str(active[0].get_attribute("data-alert"))
    page.one(f'[data-alert="{ident}"] [data-act="acknowledge"]').click()
    page.one("#act[open] #act-note").send_keys("<b>看过了</b>", Keys.ENTER)
    moved = f'#alerts-acknowledged [data-alert="{ident}"]'
    page.one(moved)
    assert "<b>看过了</b>" in page.text(f"{moved} .steps")
    alert = system.client.get(f"/alerts/{ident}")
    assert alert["state"] == "acknowledged"
    step = alert["steps"][-1]
    assert (step["action"], step["actor"], step["note"]) == ("acknowledge", "admin key", "<b>看过了</b>")
