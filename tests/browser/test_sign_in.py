"""Signing in on the console's page, who it says is signed in, and what it then shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from sqlalchemy import update

from energy.books import tables as t
from energy.client import Client
from tests.api.served import KEY, Served, fill, served
from tests.browser.chromium import PHONE, Page, chromium

pytestmark = pytest.mark.needs("chromium")

PASSWORD = "correct horse battery"
NOTES = (
    "with a status of 401",
    "/api/v1/health - Failed",
)  # the browser's of what is refused, and of the absent ingest


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The known world with two units and three people."""
    with served(tmp_path_factory.mktemp("console")) as one:
        fill(one)
        with one.context.books.begin() as db:
            db.execute(update(t.alert).values(evidence={}))  # a curve of theirs would be of one point
        with Client(one.url, KEY) as client:
            client.put_region("binhai", {"name_zh": "滨海新区", "name_en": "Binhai district"})
            client.put_unit("steel-ltd", {"name_zh": "钢铁公司", "name_en": "Steel Ltd.", "region": "binhai"})
            client.change_site("steel-1", {"unit": "steel-ltd"})
            client.add_account("wang", PASSWORD, "auditor", {"everything": True})
            client.add_account("li", PASSWORD, "plant_operator", {"sites": ["steel-1"]})
            client.add_account("zhao", PASSWORD, "plant_operator", {"sites": ["dc-1"]})
        yield one


@pytest.fixture
def page(world: Served) -> Iterator[Page]:
    """The page as somebody sees it who is not signed in; the browser may complain of nothing but refusals."""
    with chromium() as page:
        page.open(f"{world.url}/")
        page.until(lambda: page.one("#signin").is_displayed(), "there is no form to sign in")
        yield page
        assert [said for said in page.complaints() if not any(note in said for note in NOTES)] == []


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    for field, text in (("name", name), ("password", password)):
        page.one(f"#signin-{field}").clear()
        page.one(f"#signin-{field}").send_keys(text)
    page.one("#signin-password").send_keys(Keys.ENTER)


def sign_out(page: Page) -> None:
    page.one("#me summary").click()
    page.one("#sign-out").click()
    # The page is loaded anew: the one before may go while it is looked at.
    page.until(lambda: page.all("#signin:not([hidden])") != [], "the page is still open")


def test_a_wrong_password_is_told_and_a_right_one_opens_the_page(page: Page, world: Served) -> None:
    assert page.driver.switch_to.active_element == page.one("#signin-name")
    sign_in(page, "wang", "wrong")
    page.until(lambda: "不匹配" in page.text("#signin-error"), "nothing says that the password is wrong")
    assert page.one("#signin-password").get_attribute("value") == ""
    assert not page.one("#me").is_displayed()
    sign_in(page, "wang")
    page.ready()
    assert page.driver.current_url == f"{world.url}/"
    assert page.text("#me summary").split() == ["wang", "审计人员"]
    page.one("#me summary").click()
    assert "全部" in page.text("#me-facts")
    [cookie] = page.driver.get_cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_signing_out_ends_the_session(page: Page, world: Served) -> None:
    sign_in(page, "wang")
    page.ready()
    [cookie] = page.driver.get_cookies()
    sign_out(page)
    assert page.all("tr[data-meter]") == []
    kept = {"Cookie": f"{cookie['name']}={cookie['value']}"}
    assert world.bare.get("/api/v1/me", headers=kept).status_code == 401


def test_only_what_the_role_may_do_is_offered(page: Page) -> None:
    sign_in(page, "wang")
    page.ready()
    assert page.all("#alerts-active [data-alert]")
    assert page.all("[data-act]") == []
    sign_out(page)
    sign_in(page, "zhao")
    page.ready()
    assert {tile.get_attribute("data-site") for tile in page.all("#tiles [data-site]")} == {"dc-1"}
    ident = page.all("#alerts-active [data-alert]")[0].get_attribute("data-alert")
    page.one(f'[data-alert="{ident}"] [data-act="acknowledge"]').click()
    page.one("#act[open] #act-go").click()
    assert "zhao" in page.text(f'#alerts-acknowledged [data-alert="{ident}"] .steps')
    assert "account zhao" not in page.driver.page_source


def test_sites_say_whose_they_are_where_there_is_more_than_one_unit(page: Page) -> None:
    sign_in(page, "wang")
    page.ready()
    assert "滨海新区 · 钢铁公司" in page.text('#tiles [data-site="steel-1"]')
    assert any("滨海新区 · 钢铁公司" in group.text for group in page.all("#meters-table .group"))
    sign_out(page)
    sign_in(page, "li")
    page.ready()
    assert "钢铁公司" not in page.text("#tiles")


def test_a_spent_link_is_told_as_one(world: Served, page: Page) -> None:
    assert not page.one("#signin-spent").is_displayed()
    with Client(world.url, KEY) as client:
        link = client.console_link()["url"]
    assert world.bare.get(link).headers["location"] == "/"
    page.open(link)
    page.until(lambda: page.one("#signin-spent").is_displayed(), "nothing says that the link was spent")
    page.one("#lang").click()
    assert "used already" in page.text("#signin-spent")
    assert "carbonwatch console" in page.text("#signin")
    sign_in(page, "wang")
    page.ready()
    assert page.driver.current_url == f"{world.url}/"


def test_a_session_that_ends_brings_the_form_back(world: Served, page: Page) -> None:
    sign_in(page, "li")
    page.ready()
    with Client(world.url, KEY) as client:
        for session in client.sessions():
            client.end_session(session["id"])
    page.until(lambda: page.all("#signin:not([hidden])") != [], "the page stays open without a session", 20)
    assert not page.one("#room").is_displayed()
    assert not page.one("#me").is_displayed()


def test_the_form_fits_a_phone_and_its_fields_are_named(page: Page) -> None:
    page.resize(PHONE)
    page.until(lambda: page.width() == PHONE.width, f"the page is {page.width()} px wide")
    assert [one.accessible_name for one in page.all("#signin-form input")] == ["用户名", "密码"]
    assert [one.get_attribute("autocomplete") for one in page.all("#signin-form input")] == [
        "username", "current-password",
    ]  # fmt: skip
    sign_in(page, "wang")
    page.ready()
    page.one("#me summary").click()
    box = page.one("#me .popover").rect
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE.width


def test_both_languages_say_the_same(page: Page) -> None:
    keys = page.driver.execute_async_script(
        "const done = arguments[0];"
        "Promise.all(['zh', 'en'].map(async (code) => Object.keys((await import(`/console/texts.${code}.js`))[code])))"
        ".then(done)"
    )
    zh, en = (set(one) for one in keys)
    assert {key for key in zh ^ en if not key.startswith("source.")} == set()


def test_no_text_of_the_page_is_without_words(page: Page) -> None:
    used = {str(node.get_attribute("data-t")) for node in page.all("[data-t]")}
    shown = [node.get_property("textContent") for node in page.all("[data-t]")]
    assert used
    assert not used & set(shown), "a key stands in the place of its text"


def test_the_policy_of_the_page_has_no_holes(world: Served) -> None:
    policy = world.bare.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    files = Path(__file__).parents[2] / "api" / "console"
    assert " style=" not in (files / "index.html").read_text("utf-8")
    assert " on" not in (files / "index.html").read_text("utf-8").replace(" only", "").replace(" once", "")
