"""A real headless Chromium that looks at the console, with its log kept."""

import base64
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from energy.errors import SetupError
from tests.neighbours import find

WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """A screen: width and height in CSS pixels, pixels of the picture for each of them, and whether it is a phone's."""

    width: int
    height: int
    scale: float = 1.0
    phone: bool = False


DESK = Size(1440, 1000)
PHONE = Size(390, 844, scale=2.0, phone=True)


class Page:
    """What a test does with the page; every look waits until what it looks for is there, or fails after WAIT_S."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        """Load an address."""
        self.driver.get(url)

    def ready(self) -> None:
        """Wait until the console has read and drawn everything."""
        self.one("html[data-ready]")

    def all(self, css: str) -> list[WebElement]:
        """The elements that are there now."""
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str, seconds: float = WAIT_S) -> WebElement:
        """The first element, shown or not, once it is there."""
        found: list[WebElement] = []

        def there() -> bool:
            found[:] = self.all(css)
            return bool(found)

        self.until(there, f"{css} is not on the page", seconds)
        return found[0]

    def text(self, css: str) -> str:
        """The text of the first element."""
        return self.one(css).text

    def until(self, holds: Callable[[], bool], why: str, seconds: float = WAIT_S) -> None:
        """Wait until `holds()` is true; TimeoutException with `why` otherwise."""
        WebDriverWait(self.driver, seconds, poll_frequency=0.2).until(lambda _: holds(), why)

    def resize(self, size: Size) -> None:
        """Show the page on another screen."""
        metrics = {"width": size.width, "height": size.height, "deviceScaleFactor": size.scale, "mobile": size.phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def width(self) -> int:
        """The width that the page's content takes, in CSS pixels."""
        return int(self.driver.execute_script("return document.documentElement.scrollWidth"))

    def height(self) -> int:
        """The height of the whole page, in CSS pixels."""
        return int(self.driver.execute_script("return document.documentElement.scrollHeight"))

    def picture(self, path: Path) -> None:
        """Write what the screen shows as PNG."""
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """What the browser has logged since the last question: refused scripts, failed requests, faults."""
        log: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [f"{entry['level']} {entry['message']}" for entry in log if entry["level"] in ("SEVERE", "WARNING")]


@contextmanager
def chromium(size: Size = DESK, language: str = "zh-CN", dark: bool = False) -> Iterator[Page]:
    """A new browser with nothing in it; SetupError where Chromium or its driver is absent."""
    binary, driver = find("chromium"), find("chromedriver") or shutil.which("chromedriver", path="/usr/lib/chromium")
    if binary is None or driver is None:
        raise SetupError("Chromium or chromedriver is absent (on Debian: apt install chromium chromium-driver)")
    options = Options()
    options.binary_location = binary
    for argument in ("--headless=new", "--disable-gpu", "--hide-scrollbars", f"--lang={language}"):
        options.add_argument(argument)
    options.add_argument(f"--window-size={size.width},{size.height}")
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    if os.geteuid() == 0:  # Chromium's own sandbox refuses to run as root
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=Service(driver, log_output=subprocess.DEVNULL))
    try:
        page = Page(chrome)
        page.resize(size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield page
    finally:
        chrome.quit()
