"""In a real browser: markup stays text, no other page frames the console, and none writes with its session."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import insert, update

from energy.books import tables as t
from tests.api.served import FIRST, Served
from tests.browser.chromium import Page, chromium

pytestmark = pytest.mark.needs("chromium")

EVIL = (
    "<img src=x onerror='window.pwned=1'>", "<script>window.pwned=1</script>", "</script><svg onload=window.pwned=1>",
    "<a href='javascript:window.pwned=1'>x</a>", "\"><iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<style>*{display:none}</style>", "{{constructor.constructor('window.pwned=1')()}}", "<b onmouseover=pwned=1>b</b>",
)  # fmt: skip


@contextmanager
def other_site(html: str) -> Iterator[str]:
    """A page of another origin; the address of it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True  # browsers open connections in advance and leave them
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def enter(one: Served, page: Page) -> None:
    page.open(one.http.post("/api/v1/console-links", json={}).json()["url"])
    page.ready()


def poison(one: Served) -> None:
    """Put markup wherever the console shows what somebody has said."""
    names = {"name_zh": EVIL[0], "name_en": EVIL[1]}
    for site in one.get("/sites")["items"]:
        body = {key: site[key] for key in ("kind", "zone", "boundary")}
        assert one.http.put(f"/api/v1/sites/{site['id']}", json={**body, **names}).status_code == 200
    for meter in one.get("/meters", site="steel-1")["items"]:
        body = {key: meter[key] for key in ("register", "digits", "decimals", "multiplier", "parent", "source")}
        path = f"/api/v1/sites/steel-1/meters/{meter['id']}"
        assert one.http.put(path, json={**body, **names}).status_code == 200
    with one.context.books.begin() as db:
        db.execute(update(t.alert).values(evidence={"cause": names}))
        for n, said in enumerate(EVIL):
            db.execute(update(t.alert).where(t.alert.c.id == n + 1).values(what_zh=said, what_en=said))
            db.execute(insert(t.alert_step).values(alert=n + 1, at=FIRST, actor=said, action="acknowledge", note=said))
        place = {"worker": "w7", "day": "2018-01-01", "item": -1, "at": FIRST, "size": 1, "count": 0}
        rows = [{**place, "row": n, "reason": "bad_topic", "detail": said, "topic": said, "excerpt": said}
                for n, said in enumerate(EVIL)]  # fmt: skip
        db.execute(insert(t.quarantine), rows)


def test_markup_that_somebody_sent_stays_text(fresh: Served) -> None:
    poison(fresh)
    with chromium() as page:
        enter(fresh, page)
        page.until(lambda: EVIL[0] in page.text("#tiles"), "the site's name is not shown as it is")
        page.until(lambda: any(EVIL[0] in card.text for card in page.all("#alerts-active [data-alert]")), "no alert")
        page.one("#quarantine summary").click()
        page.until(lambda: EVIL[1] in page.text("#quarantine-body"), "the topics are not shown as they are")
        for made in (
            "img[src='x']",
            "main script",
            "main iframe",
            "main svg[onload]",
            "main style",
            "#foot img",
            "#foot svg",
        ):
            assert page.all(made) == [], made
        assert page.driver.execute_script("return window.pwned") is None
        assert page.complaints() == []


def test_the_policy_stops_a_script_that_got_in_all_the_same(fresh: Served) -> None:
    with chromium() as page:
        enter(fresh, page)
        page.complaints()
        page.driver.execute_script(
            "const s = document.createElement('script'); s.textContent = 'window.pwned = 1'; document.body.append(s);"
            "const i = document.createElement('img'); i.setAttribute('onerror', 'window.pwned = 1'); i.src = '/none';"
            "document.body.append(i);"
            "const f = document.createElement('script'); f.src = 'http://127.0.0.1:9/x.js'; document.body.append(f);"
        )
        page.until(lambda: page.driver.execute_script("return document.images.length") > 0, "no image")
        said = " ".join(page.complaints())
        assert said.count("Content Security Policy") >= 2
        assert page.driver.execute_script("return window.pwned") is None


def test_no_other_page_frames_the_console(fresh: Served) -> None:
    with chromium() as page, other_site(f"<h1>win</h1><iframe src='{fresh.url}/'></iframe>") as elsewhere:
        enter(fresh, page)
        page.complaints()
        page.open(elsewhere)
        page.until(lambda: "frame" in " ".join(page.complaints()).lower(), "the browser did not refuse the frame")
        page.driver.switch_to.frame(page.one("iframe"))
        assert page.all("#main") == []


def test_no_other_page_writes_with_the_browsers_session(fresh: Served) -> None:
    """The other page is on the same host, so that the browser does send the cookie: only our header is missing."""
    url = f"{fresh.url}/api/v1/alerts/1/resolve"
    form = f"<form method=post enctype=text/plain action='{url}'><input name='{{\"note\":\"' value='x\"}}'></form>"
    script = f"""
      <script>
        const said = [];
        const keep = (name) => (answer) => said.push(name + ' ' + answer.status);
        const lose = (name) => () => said.push(name + ' refused');
        const plain = {{method: 'POST', credentials: 'include', body: '{{}}'}};
        const json = {{...plain, headers: {{'Content-Type': 'application/json', 'X-Carbonwatch': '1'}}}};
        Promise.all([
          fetch('{url}', {{...plain, mode: 'no-cors'}}).then(keep('plain'), lose('plain')),
          fetch('{url}', json).then(keep('json'), lose('json')),
          fetch('{fresh.url}/api/v1/sites', {{credentials: 'include'}}).then(keep('read'), lose('read')),
        ]).then(() => {{ document.title = said.sort().join(', '); }});
      </script>"""
    with chromium() as page, other_site("<title>wait</title>" + form + script) as elsewhere:
        enter(fresh, page)
        page.open(elsewhere)
        page.until(lambda: page.driver.title.startswith("json"), "the other page is not done")
        assert page.driver.title == "json refused, plain refused, read refused"
        page.driver.execute_script("document.forms[0].submit()")
        page.until(lambda: "X-Carbonwatch: 1" in page.driver.page_source, "the form was not refused for its header")
    assert fresh.get("/alerts/1")["state"] == "active"
