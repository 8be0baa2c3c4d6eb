"""Screenshots of `medad page` for the documentation, by Debian's Chromium.

`python tools/screenshots.py results/audit docs/pictures` writes page-desktop.png, page-dark.png
and page-phone.png.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

MISSING = "no browser here; install Debian's chromium and chromium-driver"
DESKTOP, PHONE = (1280, 1000), (375, 812)
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
# Pictures that come into view late are painted in parts.
_DECODED = """
const done = arguments[arguments.length - 1];
const shown = [...document.images].filter(image => {
  const box = image.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight;
});
Promise.allSettled(shown.map(image => image.decode())).then(
  () => requestAnimationFrame(() => requestAnimationFrame(() => done())));
"""
COLOURS = 128  # of a screenshot: few enough to stay small, more than its text and marks need


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="such as results/audit")
    parser.add_argument("out", type=Path, help="such as docs/pictures")
    parser.add_argument("--cell", default="CONSULT, K = 4", help="the number shown")
    options = parser.parse_args()
    try:
        programs()
    except FileNotFoundError as error:
        print(f"medad: {error}", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    index = (options.site / "index.html").resolve().as_uri()
    for name, size, dark in (
        ("page-desktop", DESKTOP, False),
        ("page-dark", DESKTOP, True),
        ("page-phone", PHONE, False),
    ):
        with browser(size, dark=dark) as driver:
            driver.get(index)
            if name != "page-desktop":
                driver.get(link(driver, options.cell))
            if name == "page-dark":
                driver.execute_script("document.getElementById('scores').scrollIntoView()")
            shoot(driver, options.out / f"{name}.png")
    return 0


def programs() -> tuple[str, str]:
    """Chromium and its driver; FileNotFoundError saying what to install."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if found[0] is None or found[1] is None:
        raise FileNotFoundError(MISSING)
    return found[0], found[1]


@contextmanager
def browser(size: tuple[int, int], *, dark: bool = False) -> Iterator[webdriver.Chrome]:
    """A fresh Chromium whose page is (width, height) CSS pixels, and which logs all it fetches."""
    chromium, driver_program = programs()
    options = Options()
    options.binary_location = chromium
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory() as profile:
        options.add_argument(f"--user-data-dir={profile}")
        driver = webdriver.Chrome(options, Service(driver_program))
        try:
            resize(driver, size)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            yield driver
        finally:
            driver.quit()


def resize(driver: webdriver.Chrome, size: tuple[int, int]) -> None:
    """A page of this many CSS pixels, narrower than a window may be."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def link(driver: webdriver.Chrome, title: str) -> str:
    """Address of a cell's page, by its title, from the index."""
    row, _, column = title.rpartition(", ")
    for table in driver.find_elements(By.CSS_SELECTOR, "table.results"):
        columns = [cell.text for cell in table.find_elements(By.CSS_SELECTOR, "thead th")]
        for line in table.find_elements(By.CSS_SELECTOR, "tbody tr"):
            if line.find_element(By.CSS_SELECTOR, ".row").text == row and column in columns:
                cells = line.find_elements(By.CSS_SELECTOR, "a.cell")
                return str(cells[columns.index(column) - 1].get_attribute("href"))
    raise LookupError(f"{title}: not a cell of the index")


def shoot(driver: webdriver.Chrome, path: Path) -> None:
    """What is on the screen, in few colours, once every picture on it is there."""
    driver.execute_async_script(_DECODED)
    picture = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    raise SystemExit(main())
