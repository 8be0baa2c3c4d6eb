"""A small copy of the whole project, run by the real engines."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "Snakefile",
    "params.yaml",
    "dvc.yaml",
    ".dvcignore",
    ".gitignore",
    "profiles",
    "workflow",
    "src",
    "data/catalog",
)
TINY: dict[str, Any] = {
    "runs": {"shots": [2, 4], "replicates": 1},
    "datasets": {"phantom": {"healthy": 24, "anomalous": 8, "duplicates": 3, "side": 48}},
    "image": {"side": 48},
    "synthesis": {"consult": {"pairs": 4}},
    "stage1": {"consult": {"epochs": 2, "healthy": 2, "anomalous": 2}},
    "detectors": {"padim": {"dimensions": 40}},
    # The method of this name trains here as much as any may, which the shipped one does not.
    "methods": {
        "consult": {
            "override": {
                "stage1": {
                    "epochs": 2,
                    "interpolate": 1.0,
                    "attention": "stage",
                    "activation": "leaky_relu",
                }
            }
        }
    },
    "evaluation": {"resamples": 200},
}
_HOOKS = "\n\nonsuccess:"


class Project:
    """A folder with its own copy of the sources, its own git and its own DVC."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in COPIED:
            source, target = ROOT / name, root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        self.change(TINY)
        others = ("fanogan", "ganomaly", "efficientad", "consult_adapted", "patchcore_whole_smooth")
        self._report_without(others, "consult")
        self.git("init", "-q")
        (root / ".git" / "info" / "exclude").write_text("/home/\n")
        (root / ".dvc").mkdir()
        for name in ("config", ".gitignore"):
            shutil.copy(ROOT / ".dvc" / name, root / ".dvc" / name)
        shutil.copytree(ROOT / ".dvc" / "plots", root / ".dvc" / "plots")
        self.commit()

    def _report_without(self, methods: tuple[str, ...], other: str) -> None:
        """One trained method is enough, and one figure, which shows ``other`` instead."""
        path = self.root / "workflow/tables/consult.yaml"
        tables = yaml.safe_load(path.read_text())
        rows = tables["table1"]["rows"]
        tables["table1"]["rows"] = [row for row in rows if row["method"] not in methods]
        shown = [other if name in methods else name for name in tables["figure1"]["methods"]]
        tables["figure1"]["methods"] = list(dict.fromkeys(shown))
        kept = {name: tables[name] for name in ("table1", "figure1")}
        path.write_text(yaml.safe_dump(kept))

    @classmethod
    def at(cls, root: Path) -> Project:
        """An existing folder, taken as it is."""
        project = object.__new__(cls)
        project.root = root
        return project

    def copy(self, root: Path) -> Project:
        """The same project in another folder, with its results and their times."""
        shutil.copytree(self.root, root, symlinks=True)
        return Project.at(root)

    def fresh(self, root: Path) -> Project:
        """A clone of what is committed: the same project before its first run."""
        self.git("clone", "-q", str(self.root), str(root))
        return Project.at(root)

    def without_tracking(self) -> Project:
        """Drop Snakemake's hooks, which spend seconds on starting MLflow after every run."""
        path = self.root / "Snakefile"
        text, hooks, _ = path.read_text().partition(_HOOKS)
        assert hooks
        path.write_text(text + "\n")
        return self

    @property
    def environment(self) -> dict[str, str]:
        """This copy's sources, this Python's programs, and nothing of the user's."""
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        home = self.root / "home"
        home.mkdir(exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "DVC", "SNAKE"))}
        return {
            **kept,
            "PATH": programs,
            "PYTHONPATH": str(self.root / "src"),
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command in the project, its output kept."""
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True
        )
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        program = (sys.executable, "-m", "snakemake")
        return self.run(*program, *(arguments or ("all",)), "--cores", "2", check=check)

    def medad(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "medad", *arguments, check=check)

    def dvc(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "dvc", *arguments)

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        return self.run("git", *identity, *arguments).stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "state")

    def change(self, values: dict[str, Any]) -> None:
        """Overlay params.yaml."""
        path = self.root / "params.yaml"
        path.write_text(yaml.safe_dump(_overlay(yaml.safe_load(path.read_text()), values)))

    def edit(self, path: str, text: str = "\n# an edit that changes no result\n") -> None:
        """Append to a file."""
        with (self.root / path).open("a") as stream:
            stream.write(text)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace the one occurrence of a text in a file."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1, f"{path}: {text.count(old)} times {old!r}"
        (self.root / path).write_text(text.replace(old, new))

    def planned(self, *arguments: str) -> set[str]:
        """Jobs that a dry run would run, as ``rule`` or ``rule:method``."""
        text = self.snakemake(*(arguments or ("all",)), "-n").stdout
        assert "Job stats:" in text or "Nothing to be done" in text
        blocks = re.split(r"^(?:local)?rule (\w+):$", text, flags=re.M)
        found = set()
        for rule, block in zip(blocks[1::2], blocks[2::2], strict=True):
            method = re.search(r"^ +wildcards: .*\bmethod=([\w-]+)", block, flags=re.M)
            found.add(f"{rule}:{method[1]}" if method else rule)
        return found - {"all"}

    def records(self) -> list[dict[str, Any]]:
        """Every record, in the order in which the steps began."""
        files = (self.root / "results" / "records").glob("*/*/*.json")
        return sorted((json.loads(f.read_text()) for f in files), key=lambda r: r["started"])

    def actions(self, since: int = 0) -> Counter[tuple[str, str]]:
        """(action, step) counts of the records after the first ``since``; a step is named by its
        kind, and its method where it has one."""
        return Counter((r["action"], _label(r)) for r in self.records()[since:])

    def contents(self, *folders: str) -> dict[str, str]:
        """Path -> sha256 of every result but records and summaries; of some ``folders`` only."""
        found = {}
        for path in sorted((self.root / "results").rglob("*")):
            name = path.relative_to(self.root / "results")
            if path.is_file() and name.parts[0] in (
                folders or {name.parts[0]} - {"records", "summary"}
            ):
                found[name.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def table(self) -> bytes:
        return (self.root / "results" / "tables" / "table1.csv").read_bytes()


def _label(record: dict[str, Any]) -> str:
    method = record["identity"].get("method")
    return f"{record['kind']}:{method}" if method else str(record["kind"])


def _overlay(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(merged.get(key), dict) and isinstance(value, dict)
        merged[key] = _overlay(merged[key], value) if both else value
    return merged
