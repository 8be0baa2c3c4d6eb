"""Run the steps of one job: restore what is known, compute, seal, store and publish the rest."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.files import Digest, canonical_json, digest, read_json, sha256, write_json
from medad.lineage import gpu, manifest, record
from medad.lineage.closure import PACKAGE
from medad.lineage.locks import Parent, locked
from medad.lineage.store import Store
from medad.resolve import attribute
from medad.task import Task

LIVE = ".prov/live"
SETTINGS = ".prov/settings.json"
CACHE = ".prov/cache"
PARTIAL = ".prov/partial"
Report = Callable[[float, int, str], None]  # steps done, of how many, what
_ON_DEVICE = ("stage1", "head", "score")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """One process: the steps of one rule that share a key file."""

    root: Path
    key_file: Path
    half: manifest.Half
    log: str
    report: Report
    parent: Parent


def run(
    root: Path, key_file: Path, targets: Sequence[str], log: str, report: Report, parent: Parent
) -> None:
    """Make the steps whose manifests are ``targets``, in order; parameters come from ``key_file``.

    Every finished step is in the store before the next begins, so a kill loses at most one.
    """
    job = Job(root, key_file, manifest.Half.read(key_file), log, report, parent)
    _require_unchanged(job, "this job")
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(job.half.threads)
    # An idle BLAS thread gives its core to torch's threads after .5 ms, not 30; no value changes.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    lease = gpu.lease(root) if _on_device(job) else None
    for number, target in enumerate(targets, start=1):
        _step(job, target, number, len(targets))
    if lease is not None:
        lease.close()


def _step(job: Job, target: str, number: int, total: int) -> None:
    clock = record.Clock.start()
    kind, identity = layout.parse_manifest(target)
    label = " ".join([kind, *(str(value) for value in identity.values())])
    paths = layout.outputs(kind, identity, job.half.params)
    inputs = _hashed(job.root, layout.inputs(kind, identity, job.half.params))
    key = manifest.key(job.half, identity, {name: found for name, (_, found) in inputs.items()})
    store = Store(job.root)
    folder = store.temporary / f"{key}.{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    partial = job.root / PARTIAL / key
    compute_s, device = 0.0, "none"
    try:
        sealed = store.fetch(key, folder)
        action: record.Action = "restored" if sealed is not None else "computed"
        if sealed is None:
            for path, _ in inputs.values():
                if not (job.root / path).is_file():
                    raise _missing(path)
            device = _device(job) if _on_device(job) else "cpu"
            task = Task(
                kind=kind,
                identity=identity,
                params=job.half.params,
                inputs={name: job.root / path for name, (path, _) in inputs.items()},
                outputs={name: folder / f"{name}{_suffix(path)}" for name, path in paths.items()},
                locations=_locations(job.root, identity),
                scratch=partial,
                cache=_cache(job),
                live=job.root / LIVE / f"{key}.jsonl",
                threads=job.half.threads,
                device=device,
                memory=_memory(job.root),
                report=_within(job.report, number, total, label),
            )
            compute_s = _compute(task)
            found = _collect(task, paths, folder, label)
            sealed = manifest.build(job.half, identity, inputs, found, task.seeds)
            _require_unchanged(job, label)
            for name, (_, content) in found.items():
                store.put(folder / name, content)
        _publish(job, folder, target, sealed, label)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    record.write(job.root, sealed, action, clock, compute_s=compute_s, device=device, log=job.log)
    shutil.rmtree(partial, ignore_errors=True)
    for suffix in (".jsonl", ".json"):
        (job.root / LIVE / f"{key}{suffix}").unlink(missing_ok=True)
    job.report(number, total, f"{label}: {action}")


def _compute(task: Task) -> float:
    """Seconds of computation, the imports it needs not counted."""
    for value in task.params.values():
        if isinstance(value, str) and value.startswith("medad.") and ":" in value:
            attribute(value)
    function = attribute(f"medad.steps.{task.kind}:run")
    for folder in (task.scratch, task.cache, task.live.parent):
        folder.mkdir(parents=True, exist_ok=True)
    task.live.unlink(missing_ok=True)
    about = {"kind": task.kind, "identity": dict(task.identity), "params": dict(task.params)}
    write_json(task.live.with_suffix(".json"), {**about, "started": time.time()})
    begun = time.perf_counter()
    function(task)
    return time.perf_counter() - begun


def _collect(
    task: Task, paths: Mapping[str, str], folder: Path, label: str
) -> dict[str, tuple[str, Digest]]:
    found = {}
    for name, path in task.outputs.items():
        if not path.is_file():
            raise MedadError(f"{label}: the step did not write its output {name!r}")
        path.rename(folder / name)
        found[name] = (paths[name], digest(folder / name))
    return found


def _publish(job: Job, folder: Path, target: str, sealed: Mapping[str, Any], label: str) -> None:
    """Put finished outputs in place, unless the world has moved on since the step began."""
    _require_unchanged(job, label)
    with locked(job.root / ".prov" / "locks" / target.replace("/", "_")):
        job.parent.require()
        Store(job.root).remember(sealed)
        for name, item in sealed["outputs"].items():
            path = job.root / item["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            (folder / name).chmod(0o644)
            shutil.move(folder / name, path)
        write_json(job.root / target, sealed)


def _require_unchanged(job: Job, label: str) -> None:
    """MedadError unless parameters and code are those of the key under which results are kept.

    A pull or an edit during a run must not give the results of new code an old key.
    """
    same = manifest.Half.read(job.key_file) == job.half and all(
        (PACKAGE / name).is_file() and sha256(PACKAGE / name) == digest
        for name, digest in job.half.code.items()
    )
    if not same:
        raise MedadError(f"{label}: parameters or code changed during the run; run again")


def _cache(job: Job) -> Path:
    """A folder of what steps may keep for each other."""
    return job.root / CACHE / cache_name(job.half.code)


def cache_name(code: Mapping[str, str]) -> str:
    """Name of the cache of steps with this code: that of what reads and embeds images."""
    found = {n: d for n, d in code.items() if n.startswith(("backbones/", "data/"))}
    return hashlib.sha256(canonical_json(found)).hexdigest()[:16]


def _hashed(root: Path, paths: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Name -> (path, sha256); a missing input is known by what its manifest says of it.

    MedadError for one that is neither here nor known, or that is not what its manifest says.
    """
    found = {}
    for name, path in sorted(paths.items()):
        known = _known(root, path)
        content = _content(root / path) if (root / path).is_file() else known
        if content is None:
            raise _missing(path)
        if known not in (None, content):
            raise MedadError(f"{path}: changed since it was made; delete it and run again")
        found[name] = (path, content)
    return found


def _content(path: Path) -> str:
    stat = path.stat()
    return _content_at(path, stat.st_ino, stat.st_mtime_ns, stat.st_size)


@cache
def _content_at(path: Path, inode: int, changed: int, size: int) -> str:
    """Hashed once a job: the steps of a job share their large inputs, such as the weights."""
    return sha256(path)


def _known(root: Path, path: str) -> str | None:
    beside = manifest.beside(path)
    if beside is None or not (root / beside).is_file():
        return None
    outputs = manifest.read(root / beside)["outputs"].values()
    return next((str(item["sha256"]) for item in outputs if item["path"] == path), None)


def _missing(path: str) -> MedadError:
    return MedadError(f"{path}: missing input; make it with `snakemake {path}`")


def _locations(root: Path, identity: Mapping[str, str | int]) -> dict[str, Path]:
    place = read_json(root / SETTINGS)["locations"].get(identity.get("dataset"))
    return {} if place is None else {"images": root / place}


def _memory(root: Path) -> int:
    return int(read_json(root / SETTINGS)["max_memory"]) << 20


def _suffix(path: str) -> str:
    return Path(path).suffix


def _within(report: Report, number: int, total: int, label: str) -> Callable[[int, int, str], None]:
    def inner(done: int, of: int, text: str) -> None:
        part, counted = (done / of, f" {done}/{of}") if of else (0.0, "")
        report(number - 1 + min(part, 0.999), total, f"{label}: {text}{counted}")

    return inner


def _on_device(job: Job) -> bool:
    return job.half.kind in _ON_DEVICE or bool(job.half.params.get("trains"))


def _device(job: Job) -> str:
    import torch

    wanted = read_json(job.root / SETTINGS)["device"]
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise MedadError("device: got 'cuda' but torch sees no GPU; allowed here: auto, cpu")
    torch.set_num_threads(job.half.threads)
    # As use_deterministic_algorithms(True), which takes a second to import the compiler's settings.
    torch.set_deterministic_debug_mode("error")
    # Filling fresh memory guards against reading it unset, which no kernel here does.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return "cuda" if present and wanted != "cpu" else "cpu"
