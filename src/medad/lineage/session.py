"""What the outer command does when the Snakefile is read: check, lock, and write key files.

Only a run that executes jobs holds the lock and changes files; a dry run, a re-parse on a
cluster and a second run read, and at most create what is missing.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import yaml

import medad
from medad import layout
from medad.backbones import published
from medad.config.load import load
from medad.config.models import Config, FolderDataset
from medad.data import catalog
from medad.errors import MedadError
from medad.files import canonical_json, sha256, write_bytes
from medad.layout import LISTING
from medad.lineage import environment, failure, manifest
from medad.lineage.current import ASKED, CHANGED, Current
from medad.lineage.graph import Graph
from medad.lineage.locks import ENGINE, try_lock
from medad.lineage.runner import LIVE, SETTINGS
from medad.lineage.store import Store
from medad.plan import Plan

RESULTS = [
    "index",
    "splits",
    "weights",
    "shots",
    "pairs",
    "stage1",
    "heads",
    "scores",
    "metrics",
    "tables",
    "figures",
    "records",
]
# Besides dry runs, which Snakemake tells.
_READING = re.compile(
    r"-(D|S|l)$|--(lint|dag|rulegraph|filegraph|d3dag|summary|list.*|detailed-summary|unlock|report"
    r"|archive|cleanup-metadata|generate-unit-tests)$"
)
_FAR_AHEAD = 4_102_444_800  # the year 2100; a running job must not be older than its inputs
_TEMPORARY = re.compile(r"\..+\.\d+")  # what medad.files writes before it renames


def begin(
    root: Path,
    overrides: Mapping[str, Any],
    arguments: Sequence[str],
    *,
    main: bool,
    dry: bool = False,
) -> Current:
    """The plan of this run and what of it is done; key files say what the configuration asks for.

    ``main``: whether this process schedules jobs (not a re-parse inside one). ``dry``: whether it
    only plans them. Raises MedadError.
    """
    _require_own_source(root)
    os.environ[ENGINE] = str(os.getpid())
    plan = Plan(root, load(root, {key: _typed(value) for key, value in overrides.items()}))
    writing = main and not dry and not any(_READING.match(argument) for argument in arguments)
    if writing:
        _hold(root)
        _sweep(root)
        if not (root / ".prov" / "index").exists():
            _remember(root)
        for name in RESULTS:
            (root / "results" / name).mkdir(parents=True, exist_ok=True)
    files = {path: canonical_json(half) for path, half in plan.halves().items()}
    files[SETTINGS] = canonical_json(_settings(plan.config))
    listings = {}
    for dataset in plan.config.runs.datasets:
        listings.update(_listing(plan, dataset))
    files.update(listings)
    _require_weights(plan)
    if main:
        for path, content in files.items():
            _write(root / path, content, replace=writing)
        # Other content in every run, as Snakemake forgives a new time to a file of equal content.
        _write(root / CHANGED, str(time.time_ns()).encode(), replace=writing)
        _write(root / ASKED, b"", replace=False)
        os.utime(root / ASKED, (_FAR_AHEAD, _FAR_AHEAD))
    sources = {path: hashlib.sha256(content).hexdigest() for path, content in listings.items()}
    return Current(plan, sources, ASKED if main and not writing else CHANGED)


def _typed(value: Any) -> Any:
    """A value of Snakemake's --config, which leaves what is inside mappings and lists as text."""
    if isinstance(value, Mapping):
        return {name: _inner(item) for name, item in value.items()}
    return [_inner(item) for item in value] if isinstance(value, list) else value


def _inner(value: Any) -> Any:
    return yaml.safe_load(value) if isinstance(value, str) else _typed(value)


RUN_LOCK = ".prov/run.lock"
_held: list[IO[str]] = []


def _hold(root: Path) -> None:
    """Keep the run lock until this process ends."""
    if _held:
        return
    stream = try_lock(root / RUN_LOCK)
    if stream is None:
        raise MedadError("another run is active in this folder; wait for it, or use a dry run (-n)")
    _held.append(stream)
    atexit.register(failure.show, root)


def _sweep(root: Path) -> None:
    """Remove what a killed run left behind; whoever holds the lock is the only one here."""
    # The folders themselves stay: another process may be listing one at this moment.
    for folder in (".snakemake/locks", ".prov/tmp", LIVE):
        for left in sorted((root / folder).glob("*")):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)  # a dying job may be in it
            else:
                left.unlink(missing_ok=True)
    (root / failure.FILE).unlink(missing_ok=True)
    now = time.time()
    for folder in ("results", ".prov", "logs"):
        for path in (root / folder).rglob("*"):
            if _TEMPORARY.fullmatch(path.name):
                path.unlink(missing_ok=True)
            elif path.is_file() and path.stat().st_mtime > now:
                os.utime(path)  # made by a fast clock; nothing may be newer than this run


def _remember(root: Path) -> None:
    """Without an index, what lies in results/ and in DVC's cache is made findable again.

    Content is not read here: whoever restores it verifies it.
    """
    store = Store(root)
    for path in Graph(root).paths:
        try:
            found = manifest.read(root / path)
        except MedadError:
            continue  # not current, so its step runs again
        if all(store.blob(item["md5"]).is_file() for item in found["outputs"].values()):
            store.remember(found)


def _require_own_source(root: Path) -> None:
    used = Path(medad.__file__).resolve().parent
    if used != (root / "src" / "medad").resolve():
        raise MedadError(
            f"medad is imported from {used}, not from this folder's src/medad; "
            "run `pip install --no-deps -e .` here, or activate this folder's environment"
        )


def _settings(config: Config) -> dict[str, Any]:
    """What a job needs to know but no result depends on."""
    places = {name: str(config.root_of(name)) for name in config.runs.datasets}
    return {"device": config.device, "max_memory": config.max_memory, "locations": places}


def _listing(plan: Plan, dataset: str) -> dict[str, bytes]:
    """Path and content of the list of a dataset's files and hashes; nothing for generated ones."""
    config = plan.config.datasets[dataset]
    if not isinstance(config, FolderDataset):
        return {}
    target = LISTING.format(dataset=dataset)
    place = plan.root / plan.config.root_of(dataset)
    if not place.exists():
        if config.root is None and (plan.root / target).exists():
            return {}  # adopted, or moved away since: the images stay known by hash
        raise MedadError(
            f"datasets.{dataset}: no images at {plan.config.root_of(dataset)}; "
            f"`medad data get {dataset}` says where they come from and where they go"
        )
    memory = plan.root / ".prov" / "raw" / f"{dataset}.hashes.json"
    found = catalog.listing(place, memory)
    return {target: canonical_json({"files": found})}


def _require_weights(plan: Plan) -> None:
    """Without weights nothing can run, so say so before anything does, or removes what is here."""
    backbone = plan.config.backbone
    if backbone.weights == "file":
        for name in (backbone.name, *backbone.others):
            _require_file(plan, name)
        return
    names = {"backbone": backbone.name, "weights": backbone.weights}
    if backbone.weights == "random" or (plan.root / layout.manifest("weights", names)).exists():
        return
    try:
        published.require(backbone.name)
    except MedadError as error:
        raise MedadError(
            f"{error}; a preset's value wins over params.yaml's, so give yours with --config "
            '"backbone={weights: file, file: PATH, sha256: HASH}" or "backbone={weights: random}"'
        ) from error


def _require_file(plan: Plan, name: str) -> None:
    """MedadError unless the file of weights is the one pinned; once read, it may be away."""
    backbone = plan.config.backbone
    source = backbone.source(name)
    path = plan.root / str(source["file"])
    key = "backbone" if name == backbone.name else f"backbone.others.{name}"
    known = layout.manifest("weights", {"backbone": name, "weights": "file"})
    if path.is_file():
        if (found := sha256(path)) != source["sha256"]:
            raise MedadError(
                f"{key}.sha256: got {source['sha256']}, but {source['file']} has {found}; correct "
                "either"
            )
    elif not (plan.root / known).exists():
        raise MedadError(
            f"{key}.file: got {source['file']!r}, which is not there; place the file, or set "
            "backbone.weights to random or imagenet"
        )


def _write(path: Path, content: bytes, *, replace: bool) -> None:
    """Create, or replace when the content differs: an unchanged file keeps its time."""
    if path.exists() and (not replace or path.read_bytes() == content):
        return
    write_bytes(path, content)


def gpus() -> int:
    """GPUs a job asks the scheduler for: none where there is none, so nothing waits for it."""
    return int(environment.has_gpu())


def release() -> None:
    """Give the run lock back before the process ends."""
    while _held:
        _held.pop().close()
