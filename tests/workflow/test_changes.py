"""What a change of a parameter or of the code plans, and what is then computed.

The changes of a chain are made one after the other in one project; the chains run side by side
in copies of it. A dry run says what is planned, the records of the run that follows say what was
computed; everything else planned is restored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from project import Project

pytestmark = [pytest.mark.engine, pytest.mark.slow]

METHODS = ("patchcore", "padim", "consult")
# Step -> the steps that read its results, written down independently of the plan.
READERS: dict[str, tuple[str, ...]] = {
    "weights": ("stage1:consult", "head:patchcore", "head:padim", "score:patchcore", "score:padim"),
    "phantom": ("index",),
    "index": ("split", *(f"metrics:{m}" for m in METHODS), "figure"),
    "split": ("shots", *(f"score:{m}" for m in METHODS)),
    "shots": ("pairs", "intervals", *(f"{s}:{m}" for s in ("head", "score") for m in METHODS)),
    "pairs": ("stage1:consult",),
    "stage1:consult": ("head:consult", "score:consult"),
    **{f"head:{m}": (f"score:{m}",) for m in METHODS},
    "score:patchcore": ("metrics:patchcore", "intervals", "figure"),
    "score:padim": ("metrics:padim", "intervals"),
    "score:consult": ("metrics:consult", "intervals", "figure"),
    **{f"metrics:{m}": ("table",) for m in METHODS},
    "intervals": ("table",),
    "table": (),
    "figure": (),
}
ALL = frozenset(READERS)
HEADS, SCORES, METRICS = (
    frozenset(f"{kind}:{m}" for m in METHODS) for kind in ("head", "score", "metrics")
)
ON_IMAGES = frozenset({"pairs", "stage1:consult", "figure"}) | HEADS | SCORES | METRICS


def below(steps: Iterable[str]) -> frozenset[str]:
    """The steps, and everything that rests on them."""
    found: set[str] = set()
    pending = list(steps)
    while pending:
        step = pending.pop()
        if step not in found:
            found.add(step)
            pending += READERS[step]
    return frozenset(found)


@dataclass(frozen=True)
class Change:
    """One change and what must follow.

    ``roots``: steps whose own key changes; they and all below are planned. ``computed``: steps
    computed, all of ``below(roots)`` by default. ``perhaps``: steps of which it depends on the
    machine's last bits whether they are computed. ``untouched``: steps below that read none of what
    is new. ``first``: a target made before the rest, which
    ``dvc repro`` then makes. ``only``: a target made alone.
    """

    name: str
    apply: Callable[[Project], None]
    roots: frozenset[str] | set[str] = frozenset()
    computed: frozenset[str] | set[str] | None = None
    perhaps: frozenset[str] | set[str] = frozenset()
    untouched: frozenset[str] | set[str] = frozenset()
    first: str | None = None
    only: str | None = None

    @property
    def expected(self) -> frozenset[str]:
        return self.planned if self.computed is None else frozenset(self.computed)

    @property
    def planned(self) -> frozenset[str]:
        return below(self.roots) - self.untouched


def key(path: str, value: Any) -> Callable[[Project], None]:
    """Set one key of params.yaml."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return lambda project: project.change(value)


def comment(*paths: str) -> Callable[[Project], None]:
    """Append a comment to files."""

    def apply(project: Project) -> None:
        for path in paths:
            project.edit(path)

    return apply


def new_detector(project: Project) -> None:
    """PaDiM again under another name: a file, a registry line, parameters and a method."""
    package = project.root / "src/medad"
    detector = (package / "detectors/padim.py").read_text()
    (package / "detectors/gaussian.py").write_text(detector.replace("Padim", "Gaussian"))
    line = '    "padim": "medad.detectors.padim:Padim",\n'
    added = line.replace("padim", "gaussian").replace("Padim", "Gaussian")
    project.replace("src/medad/registry.py", line, line + added)
    project.replace("src/medad/config/detectors.py", "    padim: Padim\n", GAUSSIAN)
    section = {"layers": [1], "align": "nearest", "dimensions": 8}
    section |= {"regularisation": 0.1, "smooth": 0.0}
    method = {"stage1": "none", "synthesis": "none", "detector": "gaussian"}
    project.change({"detectors": {"gaussian": section}, "methods": {"gaussian": method}})


GAUSSIAN = "    padim: Padim\n    gaussian: Padim\n"


def new_preset(project: Project) -> None:
    """A preset and the switch to it."""
    (project.root / "workflow/presets/smooth.yaml").write_text("evaluation: {smoothing: 1.0}\n")
    project.change({"preset": "smooth"})


def note(project: Project) -> None:
    """Another first note under the table."""
    path = project.root / "workflow/tables/consult.yaml"
    tables = yaml.safe_load(path.read_text())
    tables["table1"]["notes"].insert(0, "A note.")
    path.write_text(yaml.safe_dump(tables))


PADIM, CONSULT = {"head:padim", "score:padim"}, {"stage1:consult"}
SMOOTHED = METRICS | {"figure"}
DRAWN = frozenset({"shots", "pairs", *CONSULT}) | HEADS | SCORES | METRICS
# The figure shows four shots where there are any. Fewer shots: the draws that stay are current.
FEWER_SHOTS = Change("runs.shots", key("runs.shots", [2]), {"intervals", "figure"})
REPORT_AND_DETECTORS = (
    Change("nothing", lambda project: None),
    Change("device", key("device", "cpu")),
    Change("config/models.py", comment("src/medad/config/models.py")),
    Change("lineage/runner.py", comment("src/medad/lineage/runner.py")),
    Change("rules", comment("Snakefile", "workflow/rules/detect.smk", "src/medad/cli/step.py")),
    Change("new detector", new_detector),
    Change("table note", note, {"table"}),
    Change("reporting/figure.py", comment("src/medad/reporting/figure.py"), {"figure"}),
    Change("evaluation.resamples", key("evaluation.resamples", 300), {"intervals"}),
    Change("evaluation.smoothing", key("evaluation.smoothing", 3.0), SMOOTHED),
    Change("preset", new_preset, SMOOTHED),
    Change("preset back", key("preset", "none"), SMOOTHED, set()),
    Change(
        "evaluation/auroc.py",
        comment("src/medad/evaluation/auroc.py"),
        {*METRICS, "intervals"},
        {*METRICS, "intervals"},
    ),
    Change("detectors/padim.py", comment("src/medad/detectors/padim.py"), PADIM, PADIM),
    Change(
        "detectors.padim.dimensions",
        key("detectors.padim.dimensions", 30),
        PADIM,
        first="results/scores/phantom/grouped/padim/k2/r0.manifest.json",
    ),
    Change(
        "methods.padim.override",
        key("methods.padim.override", {"detector": {"regularisation": 0.1}}),
        PADIM,
    ),
    Change(
        "detectors.patchcore.neighbors",
        key("detectors.patchcore.neighbors", 3),
        {"score:patchcore", "score:consult"},
    ),
    Change("threads.head", key("threads.head", 2), HEADS, HEADS, below(SCORES)),
    Change("seed", key("seed", 1), ALL),
)
DATA_AND_TRAINING = (
    Change("losses/tritanh.py", comment("src/medad/losses/tritanh.py"), CONSULT, CONSULT),
    Change(
        "stage1.consult.learning_rate",
        key("stage1.consult.learning_rate", 0.001),
        CONSULT,
        first="results/heads/phantom/grouped/consult/k2/r0.manifest.json",
    ),
    Change("synthesis/bezier.py", comment("src/medad/synthesis/bezier.py"), {"pairs"}, {"pairs"}),
    # Whether a flipped image is among the few that are trained on is chance.
    Change(
        "synthesis.consult.flip",
        key("synthesis.consult.flip", 1.0),
        {"pairs"},
        {"pairs", *CONSULT},
        below(CONSULT),
    ),
    Change("data/phantom.py", comment("src/medad/data/phantom.py"), {"phantom"}, {"phantom"}),
    Change("data.on_bad", key("data.on_bad", "skip"), {"index"}, {"index"}),
    Change(
        "leakage.correlation",
        key("leakage.correlation", 0.995),
        {"index"},
        {"index"},
        first="results/index/phantom/index.manifest.json",
    ),
    # The draws that are there are restored by the jobs that make the new ones; the figure shows one
    # of them.
    Change(
        "runs.replicates",
        key("runs.replicates", 2),
        DRAWN | {"intervals", "table"},
        DRAWN | {"intervals", "table"},
        untouched={"figure"},
    ),
)
# Almost everything is planned; what is computed is seen from a part of it.
ALONE = (
    Change(
        "splits.grouped.pool",
        key("splits.grouped.pool", 0.4),
        {"split"},
        {"split", "shots"},
        only="results/shots/phantom/grouped/k2/r0.manifest.json",
    ),
    Change(
        "image.side",
        key("image.side", 40),
        ON_IMAGES,
        {"head:padim", "score:padim", "metrics:padim"},
        only="results/metrics/phantom/grouped/padim/k2/r0.manifest.json",
    ),
    Change(
        "env_policy",
        key("env_policy", "strict"),
        ALL,
        {"phantom", "index", "split", "shots", "pairs"},
        only="results/pairs/phantom/grouped/consult/k2/r0.manifest.json",
    ),
)
CHAINS = (REPORT_AND_DETECTORS, DATA_AND_TRAINING, *((change,) for change in ALONE))
CHANGES = (FEWER_SHOTS, *(change for chain in CHAINS for change in chain))


@dataclass
class Outcome:
    """What followed a change; ``error`` instead when an engine failed."""

    planned: set[str] = field(default_factory=set)
    records: list[dict[str, Any]] = field(default_factory=list)
    actions: set[tuple[str, str]] = field(default_factory=set)
    error: str = ""

    def steps(self, action: str) -> set[str]:
        return {step for found, step in self.actions if found == action}


@pytest.fixture(scope="module")
def outcomes(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Change -> what followed."""
    folder = tmp_path_factory.mktemp("changes")
    first = finished.copy(folder / "0").without_tracking()
    found = _follow(first, (FEWER_SHOTS,))
    projects = [first, *(first.copy(folder / str(i)) for i in range(1, len(CHAINS)))]
    with ThreadPoolExecutor(2) as pool:
        for part in pool.map(_follow, projects, CHAINS):
            found |= part
    return found


def _follow(project: Project, changes: tuple[Change, ...]) -> dict[str, Outcome]:
    """Make the changes one after the other, and run after each."""
    found = {}
    for change in changes:
        before = len(project.records())
        try:
            change.apply(project)
            found[change.name] = outcome = Outcome(planned=project.planned())
            if change.first or change.only:
                project.snakemake(change.first or change.only or "")
            if change.first:
                project.dvc("repro")
            elif outcome.planned and not change.only:
                project.snakemake()
        except AssertionError as error:
            found[change.name] = outcome = Outcome(error=str(error))
        outcome.records = project.records()[before:]
        outcome.actions = set(project.actions(before))
    return found


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_exactly_what_a_change_concerns_is_planned_and_computed(
    outcomes: dict[str, Outcome], change: Change
) -> None:
    outcome = outcomes[change.name]
    assert not outcome.error
    assert outcome.planned == change.planned
    computed, restored = outcome.steps("computed"), outcome.steps("restored")
    assert change.expected <= computed <= change.expected | change.perhaps
    if change.first or change.only:
        # Later commands see that what was restored is what they know, and go no further.
        assert restored <= outcome.planned
    elif change.name != "runs.replicates":
        assert restored == outcome.planned - computed


def test_only_the_new_replicate_is_computed(outcomes: dict[str, Outcome]) -> None:
    drawn = [r for r in outcomes["runs.replicates"].records if "r" in r["identity"]]
    assert {r["identity"]["r"] for r in drawn if r["action"] == "computed"} == {1}
    assert {r["identity"]["r"] for r in drawn if r["action"] == "restored"} == {0}
