"""Every command in the documentation is run, small."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from project import Project

from medad.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", flags=re.M | re.S)
OWN_IMAGES = "~/scans"


def commands(page: Path) -> list[str]:
    return [line for block in BLOCK.findall(page.read_text()) for line in block.splitlines()]


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_make_commands_are_targets() -> None:
    for page in PAGES:
        for line in commands(page):
            if line.startswith("make "):
                done = subprocess.run(
                    [*line.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True
                )
                assert done.returncode == 0, done.stderr
                assert line in (ROOT / ".ci/run").read_text()


def published() -> dict[tuple[str, str, str, str], dict[str, str]]:
    """(dataset, split, row, column) -> cell of the tables below docs/results."""
    cells = {}
    for path in (ROOT / "docs/results").glob("*/table1.csv"):
        with path.open() as stream:
            for cell in csv.DictReader(stream):
                column = f"K{cell['shots']}"
                cells[cell["dataset"], cell["split"], cell["row"], column] = cell
    return cells


def test_the_readmes_numbers_are_those_published() -> None:
    cells, found = published(), 0
    for block in re.findall(
        r"(?m)^\| \w+, split .*\n(?:\|.*\n)+", (ROOT / "README.md").read_text()
    ):
        heading, _, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()
        ]
        dataset, split = heading[0].split(", split ")
        for name, *values, paper in rows:
            row = [cells[dataset, split, name, column] for column in heading[1:5]]
            exact = [float(cell["auroc"]) for cell in row]  # four digits, the README has three
            assert [float(value) for value in values] == pytest.approx(exact, abs=0.00055)
            comparable = all(cell["verdict"] != "not comparable" for cell in row)
            assert comparable == (paper != "-")
            if comparable:  # the CSV has the nearest of several printed values
                printed = [value.split(" or ") for value in paper.split(", ")]
                nearest = [cell["paper"].removeprefix("0") for cell in row]
                assert all(one in several for one, several in zip(nearest, printed, strict=True))
            found += len(row)
    assert found == 64


EVIDENCE = {
    "table1": (727, "CONSULT/K4"),
    "reading": (103, "quarter/K4"),
    "ablations": (176, "Tritanh/K4"),
    "figures": (24, "figure3.png"),
    "confirmation": (367, "CONSULT/K4"),
    "adfa": (
        181,
        "brain_mri/adfa/ADFA/full",
        "busi/adfa/ADFA/full",
        "brain_mri/adfa/hard top-k/full",
        "busi/adfa/hard top-k/full",
    ),
    "fewshot_all": (304, "brain_mri/grouped/ADFA/K8", "brain_mri/grouped/CONSULT/K8"),
    "adfa_copies": (53, "ADFA/full"),
}


@pytest.mark.engine
@pytest.mark.parametrize("name", EVIDENCE)
def test_published_evidence_is_adopted_and_audited_as_documented(tmp_path: Path, name: str) -> None:
    steps, *cells = EVIDENCE[name]
    project = Project(tmp_path)
    shutil.copytree(ROOT / "docs/results", tmp_path / "docs/results")
    adopted, *audits = commands(ROOT / f"docs/results/{name}/README.md")
    assert f"{steps} steps verified" in project.run("bash", "-c", adopted).stdout
    for audited, cell in zip(audits, cells, strict=True):
        assert cell in project.run("bash", "-c", audited).stdout


def test_all_published_evidence_is_tried() -> None:
    assert {path.parent.name for path in (ROOT / "docs/results").glob("*/evidence")} == set(
        EVIDENCE
    )


def test_how_many_single_draws_reach_the_papers_gains() -> None:
    """What docs/results/table1 says of draws, counted anew from the published metrics."""
    found: dict[tuple[str, int], list[float]] = {}
    with zipfile.ZipFile(ROOT / "docs/results/table1/evidence/metrics.zip") as archive:

        def auroc(method: str, k: int, r: int) -> float:
            path = f"results/metrics/brain_mri/grouped/{method}/k{k}/r{r}.json"
            return float(json.loads(archive.read(path))["auroc"])

        for method in ("consult", "consult_adapted"):
            for k in (2, 4, 6, 8):
                gains = [auroc(method, k, r) - auroc("patchcore", k, r) for r in range(5, 15)]
                found[method, k] = gains
    wanted = {2: 0.0936, 4: 0.1287, 6: 0.1016, 8: 0.06}
    counts = {
        method: [sum(gain >= wanted[k] for gain in found[method, k]) for k in wanted]
        for method in ("consult", "consult_adapted")
    }
    text = " ".join((ROOT / "docs/results/table1/README.md").read_text().split())
    assert "reaches the paper's in {}, {}, {} and {} at K".format(*counts["consult"]) in text
    assert "CONSULT-adapted in {}, {}, {} and {}:".format(*counts["consult_adapted"]) in text
    worst = min(min(found["consult", k]) for k in wanted)
    assert f"down to -{abs(worst):.2f} for CONSULT".replace("-0", "-") in text


def test_what_copies_lift_in_adfas_table_is_what_it_says() -> None:
    folder = ROOT / "docs/results/adfa_copies"
    levels = {}
    with (folder / "adfa_table1.csv").open() as stream:
        for cell in csv.DictReader(stream):
            (clean,) = re.findall(r"\(AUROC ([\d.]+) without them\)", cell["reason"])
            levels[cell["row"]] = (float(cell["auroc"]), float(clean))
    told = re.findall(r"([\w-]+) from (\.\d+) to (\.\d+)", (folder / "README.md").read_text())
    assert [name for name, *_ in told] == ["PaDiM", "f-AnoGAN", "ADFA"]
    for name, *values in told:
        assert [float(value) for value in values] == pytest.approx(levels[name], abs=0.00051)


@pytest.mark.engine
def test_the_readmes_commands_run(copy: Callable[[], Project], tmp_path: Path) -> None:
    project = copy()
    scans = tmp_path / "scans"
    for number in range(28):
        place = scans / ("anomalous" if number >= 20 else "healthy")
        place.mkdir(parents=True, exist_ok=True)
        pixels = bytes((i * i // 7 + i * (number + 5)) % 251 for i in range(48 * 48))
        Image.frombytes("L", (48, 48), pixels).save(place / f"{number}.png")
    tiny = "image: {side: 48}\nruns: {datasets: [folder]}\nbackbone: {weights: random}\n"
    (project.root / "workflow/presets/folder.yaml").write_text(tiny)
    for line in commands(ROOT / "README.md"):
        if not line.startswith(("make ", "source ")):
            project.run("bash", "-c", line.replace(OWN_IMAGES, str(scans)))
    table = (project.root / "results/tables/table1.csv").read_text()
    assert "\nfolder,grouped,CONSULT" in table
    shutil.rmtree(scans)


ANSWERS = {
    "medad audit results/tables/table1.csv --row": ("K4 = ", "sha256", "torch", "contested"),
    "medad audit results/tables/table1.csv --run": ("phantom/grouped/consult/k4/r0 = ", "one draw"),
    "medad leakage": ("phantom/grouped (policy grouped)", "no shot copies"),
    "medad verify": ("verified: nothing has changed",),
    "medad reproduce": ("same bytes",),
    "medad compare": ("method: consult -> patchcore",),
    "medad page": ("index.html",),
    "medad crate": ("crate",),
    "medad prov": (),
    "medad cache status": ("present", "orphan"),
    "medad cache gc": (),
    "medad prune": ("0 orphans",),
}


@pytest.mark.engine
@pytest.mark.slow
def test_the_reviewers_story_runs(copy: Callable[[], Project]) -> None:
    """Each command of docs/audit.md answers, and none changes a result."""
    project = copy()
    before = project.contents()
    for line in commands(ROOT / "docs/audit.md"):
        done = project.run("bash", "-c", line, check=False)
        assert done.returncode == (1 if line.startswith("medad compare") else 0), done.stderr
        (key,) = [key for key in ANSWERS if line.startswith(key)]
        for answer in ANSWERS[key]:
            assert answer in done.stdout, f"{line}: {answer!r} is not in\n{done.stdout}"
    made = {path: digest for path, digest in project.contents().items() if path in before}
    assert made == before
    assert (project.root / "results/audit/index.html").is_file()
    beside = project.root.parent
    assert (beside / "table1-crate/ro-crate-metadata.json").is_file()
    assert json.loads((beside / "table1.prov.json").read_text())["entity"]
    assert {line.split()[1] for line in ANSWERS} <= {*COMMANDS}
