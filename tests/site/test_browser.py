"""A person at the site: from a table to a cell to an image and back, by mouse and by keyboard."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pages import Site, reseal
from PIL import Image
from project import Project
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from medad.site.build import build

pytestmark = pytest.mark.engine
HOSTILE = [
    "healthy/<script>alert(1)</script>.png",
    'healthy/"\'&lt;&amp; onerror=alert(1) x=".png',
    "anomalous/\u202egnp.reversed\u202c.png",
    "anomalous/" + "x" * 196 + ".png",
    "anomalous/javascript:alert(1)#%2e%2e?q=1.png",
]
# Of the site itself, and of the empty tab that the browser starts with.
LOCAL = {"file", "data", "chrome", "chrome-untrusted"}
ROW = '<b onclick="alert(1)">CONSULT\' & co'


def fetched(driver: Any) -> list[str]:
    """Addresses of everything that the browser asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [
        str(message["params"]["request"]["url"])
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def look_at(driver: Any, address: str) -> None:
    """Open a page and require that it fits, is quiet and asks nobody else for anything."""
    driver.get(address)
    check(driver)


def check(driver: Any) -> None:
    # Pictures that are loaded when they come into view are loaded now.
    driver.execute_async_script(
        "const done = arguments[0];"
        "const images = [...document.images];"
        "for (const image of images) image.loading = 'eager';"
        "Promise.allSettled(images.map((image) => image.decode())).then(() => done());"
    )
    broken = driver.execute_script(
        "return [...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)"
    )
    assert broken == []
    page, window = driver.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert page <= window, f"{driver.current_url} is {page} wide in {window}"
    assert driver.get_log("browser") == []
    assert {url.partition(":")[0] for url in fetched(driver)} <= LOCAL


def first(driver: Any, selector: str) -> Any:
    return driver.find_element(By.CSS_SELECTOR, selector)


def click(driver: Any, element: Any) -> None:
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


@pytest.mark.parametrize("size", [(1280, 900), (375, 812)])
def test_from_the_table_to_a_cell_to_an_image_and_back(
    site: Site, chromium: Callable[..., Any], size: tuple[int, int]
) -> None:
    with chromium(size, dark=size[0] == 375) as driver:
        look_at(driver, (site.path / "index.html").as_uri())
        click(driver, first(driver, f"a.cell[href='{site.cell('CONSULT', 'K4')}']"))
        assert first(driver, "h1").text == "CONSULT, K = 4"
        check(driver)
        cell = driver.current_url
        card = first(driver, "#examples a.card")
        name = card.find_element(By.TAG_NAME, "bdi").text
        click(driver, card)
        assert first(driver, "h1").text == name
        check(driver)
        back = first(driver, "#back")
        assert back.text == "CONSULT, K = 4"
        click(driver, back)
        assert driver.current_url == cell
        click(driver, first(driver, "nav[aria-label=Site] a[href$='leakage.html']"))
        check(driver)
        assert first(driver, "h1").text == "Leakage"


def test_the_keyboard_reaches_a_step_and_tells_its_hashes(
    site: Site, chromium: Callable[..., Any]
) -> None:
    with chromium((1280, 900)) as driver:
        driver.get((site.path / site.cell("PaDiM", "K2")).as_uri())
        body = first(driver, "body")
        body.send_keys(Keys.TAB)
        assert driver.switch_to.active_element.text == "Skip to content"
        driver.execute_script("document.querySelector('.graph').focus()")
        driver.switch_to.active_element.send_keys(Keys.TAB)
        step = driver.switch_to.active_element
        assert step.get_attribute("class").startswith("box")
        outline = driver.execute_script(
            "return getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth"
        )
        assert outline == "3.5px"
        told = first(driver, ".graph-info").text
        anchor = str(step.get_dom_attribute("href"))
        assert "sha256" in told
        assert f"key {anchor.rpartition('step-')[2]}" in told
        step.send_keys(Keys.ENTER)
        assert driver.current_url.endswith(anchor)
        check(driver)


def test_a_command_is_copied(site: Site, chromium: Callable[..., Any]) -> None:
    with chromium((1280, 900)) as driver:
        driver.get((site.path / site.cell("PaDiM", "K2")).as_uri())
        button = first(driver, "button.copy")
        driver.execute_script(
            "navigator.clipboard.writeText = async (text) => { window.copied = text; }"
        )
        click(driver, button)
        assert button.text == "Copied"
        line = "medad audit results/tables/table1.csv --row PaDiM --column K2"
        assert driver.execute_script("return window.copied").startswith(line)


def rename(project: Project) -> None:
    """Give images of the finished project hostile names, and one row too, in every artifact."""
    root = project.root / "results"
    file = root / "index/phantom/index.parquet"
    known = pq.read_table(file).to_pydict()["path"]
    shots = list(csv.DictReader((root / "shots/phantom/grouped/k4/r0.csv").open()))
    healthy = [row["path"] for row in shots][:2]
    lesions = [path for path in known if path.startswith("anomalous/")][:3]
    names = dict(zip([*healthy, *lesions], HOSTILE, strict=True))
    for path in [file, root / "splits/phantom/grouped.parquet", *root.glob("scores/**/*.parquet")]:
        columns = pq.read_table(path).to_pydict()
        columns["path"] = [names.get(name, name) for name in columns["path"]]
        pq.write_table(pa.table(columns), path)
    for path in root.glob("shots/**/*.csv"):
        rows = list(csv.DictReader(path.open()))
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "path": names.get(row["path"], row["path"])} for row in rows)
        path.write_text(text.getvalue())
    file = root / "splits/phantom/grouped.leakage.json"
    report = json.loads(file.read_text())
    for group in report["repeated"]:
        group["paths"] = [names.get(name, name) for name in group["paths"]]
    file.write_text(json.dumps(report))
    archive = root / "index/phantom/images.zip"
    with zipfile.ZipFile(archive) as old:
        contents = {names.get(name, name): old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(archive, "w") as new:
        for name, content in contents.items():
            new.writestr(name, content)
    _rename_row(root)
    reseal(project.root)


def _rename_row(root: Path) -> None:
    file = root / "tables/table1.csv"
    rows = list(csv.DictReader(file.open()))
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, "row": ROW if row["row"] == "CONSULT" else row["row"]})
    file = root / "tables/table1.cells.json"
    cells = json.loads(file.read_text())
    cells["cells"] = {
        name.replace("/CONSULT/", f"/{ROW}/"): cell for name, cell in cells["cells"].items()
    }
    file.write_text(json.dumps(cells))


def test_hostile_names_are_text(copy: Callable[[], Project], chromium: Callable[..., Any]) -> None:
    project = copy()
    rename(project)
    out = project.root / "results/audit"
    build(project.root, out, lambda *_: None)
    seen = ""
    with chromium((375, 812)) as driver:
        for page in sorted(out.rglob("*.html")):
            look_at(driver, page.as_uri())
            assert (
                driver.execute_script(
                    "return document.querySelectorAll('main script, main b, [onclick], [onerror]')"
                    ".length"
                )
                == 0
            )
            seen += driver.execute_script("return document.body.textContent")
            links = driver.execute_script("return [...document.links].map((a) => a.href)")
            assert all(link.startswith("file:") for link in links)
    for name in HOSTILE:
        shown = name.replace("\u202e", "⟨U+202E⟩").replace("\u202c", "⟨U+202C⟩")
        assert shown in seen
    assert ROW in seen
    assert not {"\u202e", "\u202c"} & set(seen)


def test_screenshots_for_the_documentation(
    site: Site,
    chromium: Callable[..., Any],
    screenshots: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["screenshots", str(site.path), str(tmp_path)])
    assert screenshots.main() == 0
    found = {}
    for path in tmp_path.glob("*.png"):
        with Image.open(path) as picture:
            found[path.stem] = picture.size
            dark = picture.convert("L").resize((1, 1)).getpixel((0, 0))
            assert (dark < 90) == (path.stem == "page-dark")
        assert path.stat().st_size < 300_000
    assert found == {
        "page-desktop": (1280, 1000),
        "page-dark": (1280, 1000),
        "page-phone": (375, 812),
    }


def test_a_machine_without_a_browser_is_told_what_to_install(
    screenshots: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sys.argv", ["screenshots", "site", "out"])
    assert screenshots.main() == 2
    assert "install Debian's chromium and chromium-driver" in capsys.readouterr().err
