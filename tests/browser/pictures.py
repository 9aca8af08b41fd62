"""Takes the pictures of the running console that the documentation shows."""

import subprocess
import sys
import time
from pathlib import Path

import click

from deploy.locate import locate
from energy.errors import CarbonwatchError, SetupError
from tests.browser.chromium import DESK, PHONE, Page, Size, chromium

# file → screen, language, dark, the whole page instead of its first screen
PICTURES: dict[str, tuple[Size, str, bool, bool]] = {
    "console.png": (DESK, "zh", False, False),
    "console-en.png": (DESK, "en", True, False),
    "console-page.png": (DESK, "zh", False, True),
    "console-phone.png": (PHONE, "zh", False, False),
}
ALERTS_S = 180.0
SETTLE_S = 1.5


def check_fonts() -> None:
    """SetupError where no font has Chinese: the pictures would show boxes."""
    fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout
    if not fonts.strip():
        raise SetupError("no Chinese font is installed (on Debian: apt install fonts-noto-cjk)")


def take(page: Page, path: Path, size: Size, whole: bool) -> None:
    """Write the picture of a page that is ready."""
    if whole:
        page.resize(Size(size.width, page.height(), size.scale, size.phone))
    time.sleep(SETTLE_S)  # the charts follow their new width
    page.picture(path)


@click.command(epilog="Example: scripts/pictures --data data")
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True,
              help="The data directory of the running system.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/pictures"), show_default=True,
              help="The folder to write to.")  # fmt: skip
@click.option("--alerts", default=2, show_default=True, help="Wait until the page shows this many alerts.")
def pictures(data: Path, out: Path, alerts: int) -> None:
    """Take pictures of the console of a running system, with headless Chromium."""
    check_fonts()
    client = locate(data).client
    out.mkdir(parents=True, exist_ok=True)
    for name, (size, language, dark, whole) in PICTURES.items():
        link = client.console_link()["url"]
        with chromium(size, language="zh-CN" if language == "zh" else "en-GB", dark=dark) as page:
            page.open(link)
            page.ready()
            page.until(lambda: len(page.all("#alerts-active [data-alert]")) >= alerts, "too few alerts", ALERTS_S)
            take(page, out / name, size, whole)
        click.echo(out / name)


if __name__ == "__main__":
    try:
        pictures()
    except CarbonwatchError as error:
        click.echo(f"pictures: {error}", err=True)
        sys.exit(2)
