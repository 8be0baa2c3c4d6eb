"""Run a study on one source: every candidate on every development draw, in worker processes."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medad.config.load import load, overlay
from medad.config.models import Config
from medad.errors import MedadError
from medad.files import canonical_json, read_json, sha256, write_json
from medad.lineage.closure import closure
from medad.lineage.environment import libraries
from medad.selection import trial as trials
from medad.selection.protocol import Protocol, Source
from medad.selection.shots import SPLIT, development_draw, healthy_images
from medad.selection.trial import Candidate, Trial
from medad.steps import weights
from medad.task import Task

CACHE = Path(".prov/selection")
Report = Callable[[int, int, str], None]


def run(
    root: Path,
    protocol: Protocol,
    name: str,
    overrides: Mapping[str, Any],
    jobs: int,
    report: Report,
) -> dict[str, Any]:
    """Everything measured on source ``name``; JSON values, the same on every run.

    ``overrides`` of params.yaml come on top of the source's own. A finished trial is kept in
    ``.prov/selection`` and not repeated. Raises MedadError for a source that the protocol has not,
    and for what the configuration or the images lack.
    """
    if name not in protocol.sources:
        raise MedadError(f"--source: got {name!r}; allowed: {', '.join(protocol.sources)}")
    source = protocol.sources[name]
    config = load(root, overlay(source.config, overrides))
    backbone = _backbone(config, root)
    dataset = config.runs.datasets[0]
    healthy = healthy_images(config, root)
    candidates = protocol.readings(config)
    planned: dict[tuple[int, int], Trial] = {}
    draws = []
    for number, rotation in _banks(protocol, source):
        chosen = development_draw(healthy, dataset, number, protocol.seed, protocol.shots)
        first = rotation * protocol.held_out
        chosen = chosen[first:] + chosen[:first]
        paths = [healthy.paths[index] for index in chosen]
        held, bank = paths[: protocol.held_out], paths[protocol.held_out :]
        where: dict[str, str | int] = {"draw": number}
        if protocol.rotate:
            where["rotation"] = rotation
        draws.append({**where, "held_out": held, "bank": bank})
        for index, group in enumerate(_trainings(candidates)):
            planned[len(draws) - 1, index] = Trial(
                candidates=group,
                identity={"dataset": dataset, "split": SPLIT, **where},
                seed=protocol.seed,
                images=healthy.images[chosen],
                held_out=protocol.held_out,
                lesions=protocol.lesions,
                contrast=source.contrast.used(),
                synthesis=config.synthesis.consult.model_dump(),
                weights=backbone,
                threads=config.threads.stage1,
            )
    done = _all(planned, root, jobs, report)
    results: dict[str, list[dict[str, Any]]] = {candidate: [] for candidate in candidates}
    for found in done.values():
        for candidate, result in found.items():
            results[candidate].append(result)
    return {
        "source": name,
        "dataset": dataset,
        "protocol": fingerprint(protocol),
        "seed": {"study": protocol.seed, "params": config.seed},
        "side": config.image.side,
        "split": config.splits.grouped.model_dump(),
        "leakage": config.leakage.model_dump(),
        "backbone": {**config.backbone.model_dump(), "trunk": sha256(backbone)},
        "contrast": source.contrast.used(),
        "synthesis": config.synthesis.consult.model_dump(),
        "detector": config.detectors.patchcore.model_dump(),
        "candidates": {one: dict(reading.stage1) for one, reading in candidates.items()},
        "detectors": {one: protocol.detector(config, one) for one in protocol.detectors},
        "code": _code(),
        "libraries": libraries(),
        "draws": draws,
        "results": results,
    }


def _banks(protocol: Protocol, source: Source) -> list[tuple[int, int]]:
    """(draw, rotation) of every bank, in order."""
    turns = protocol.shots // protocol.held_out if protocol.rotate else 1
    return [(number, turn) for number in range(source.draws) for turn in range(turns)]


def _trainings(candidates: Mapping[str, Candidate]) -> list[dict[str, Candidate]]:
    """The candidates by the training that they share."""
    groups: dict[bytes, dict[str, Candidate]] = {}
    for name, reading in candidates.items():
        groups.setdefault(canonical_json(reading.training), {})[name] = reading
    return list(groups.values())


def fingerprint(protocol: Protocol) -> str:
    """Equal for results that may be compared: of the whole protocol, order of candidates too."""
    content = {**protocol.model_dump(exclude_defaults=True), "order": list(protocol.candidates)}
    return hashlib.sha256(canonical_json(content)).hexdigest()


def _code() -> dict[str, str]:
    return closure(["medad.selection.trial"])


def _backbone(config: Config, root: Path) -> Path:
    """The unadapted trunk, made by the pipeline's own step, hence with its seed."""
    chosen = config.backbone
    folder = root / CACHE
    folder.mkdir(parents=True, exist_ok=True)
    task = Task(
        kind="weights",
        identity={"backbone": chosen.name, "weights": chosen.weights},
        params={"seed": config.seed, **chosen.model_dump()},
        inputs={"file": root / chosen.file} if chosen.file else {},
        outputs={"weights": folder / f"{chosen.name}.{chosen.weights}.safetensors"},
        scratch=folder,
        cache=folder,
        live=folder / "live.jsonl",
    )
    weights.run(task)
    return task.outputs["weights"]


def _all(
    planned: Mapping[tuple[int, int], Trial], root: Path, jobs: int, report: Report
) -> dict[tuple[int, int], dict[str, Any]]:
    """Results by bank and training, those that are not kept yet from ``jobs`` processes.

    Workers write their own result, so that a kill loses only what is being computed.
    """
    code = _code()
    paths = {key: root / CACHE / f"{_digest(trial, code)}.json" for key, trial in planned.items()}
    missing = {path: planned[key] for key, path in paths.items() if not path.is_file()}
    report(len(paths) - len(missing), len(paths), "kept from before")
    # Forked children would inherit locked thread pools of torch.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=jobs, mp_context=context) as pool:
        futures = {pool.submit(_work, trial, path): trial for path, trial in missing.items()}
        try:
            for count, future in enumerate(as_completed(futures), len(paths) - len(missing) + 1):
                future.result()
                trial = futures[future]
                report(count, len(paths), _told(trial))
        finally:
            pool.shutdown(cancel_futures=True)
    return {key: read_json(path) for key, path in paths.items()}


def _told(trial: Trial) -> str:
    turn = trial.identity.get("rotation")
    where = f"draw {trial.identity['draw']}" + ("" if turn is None else f", rotation {turn}")
    return f"{where}: {', '.join(trial.candidates)}"


def _work(trial: Trial, path: Path) -> None:
    write_json(path, trials.run(trial))


def _digest(trial: Trial, code: Mapping[str, str]) -> str:
    """Of all that decides a result, and the names under which it is kept."""
    content = asdict(trial)
    content["images"] = hashlib.sha256(trial.images.tobytes()).hexdigest()
    content["weights"] = sha256(trial.weights)
    content |= {"code": dict(code), "libraries": libraries()}
    return hashlib.sha256(canonical_json(content)).hexdigest()
