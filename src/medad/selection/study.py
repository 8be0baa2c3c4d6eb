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
from medad.selection.protocol import Protocol
from medad.selection.shots import SPLIT, development_draw, healthy_images
from medad.selection.trial import Trial
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
    stage1 = protocol.stage1(config)
    planned: dict[tuple[str, int], Trial] = {}
    draws = []
    for number in range(source.draws):
        chosen = development_draw(healthy, dataset, number, protocol.seed, protocol.shots)
        paths = [healthy.paths[index] for index in chosen]
        held, bank = paths[: protocol.held_out], paths[protocol.held_out :]
        draws.append({"draw": number, "held_out": held, "bank": bank})
        for candidate, params in stage1.items():
            planned[candidate, number] = Trial(
                candidate=candidate,
                identity={"dataset": dataset, "split": SPLIT, "draw": number},
                seed=protocol.seed,
                images=healthy.images[chosen],
                held_out=protocol.held_out,
                lesions=protocol.lesions,
                contrast=source.contrast.used(),
                stage1=params,
                synthesis=config.synthesis.consult.model_dump(),
                detector=protocol.detector(config, candidate),
                weights=backbone,
                threads=config.threads.stage1,
            )
    done = _all(planned, root, jobs, report)
    return {
        "source": name,
        "dataset": dataset,
        "protocol": fingerprint(protocol),
        "seed": {"study": protocol.seed, "params": config.seed},
        "side": config.image.side,
        "backbone": {**config.backbone.model_dump(), "trunk": sha256(backbone)},
        "contrast": source.contrast.used(),
        "synthesis": config.synthesis.consult.model_dump(),
        "detector": config.detectors.patchcore.model_dump(),
        "candidates": stage1,
        "detectors": {name: protocol.detector(config, name) for name in protocol.detectors},
        "code": _code(),
        "libraries": libraries(),
        "draws": draws,
        "results": {
            candidate: [done[candidate, number] for number in range(source.draws)]
            for candidate in stage1
        },
    }


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
    planned: Mapping[tuple[str, int], Trial], root: Path, jobs: int, report: Report
) -> dict[tuple[str, int], dict[str, Any]]:
    """Results by candidate and draw, those that are not kept yet from ``jobs`` processes.

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
                report(count, len(paths), f"draw {trial.identity['draw']}, {trial.candidate}")
        finally:
            pool.shutdown(cancel_futures=True)
    return {key: read_json(path) for key, path in paths.items()}


def _work(trial: Trial, path: Path) -> None:
    write_json(path, trials.run(trial))


def _digest(trial: Trial, code: Mapping[str, str]) -> str:
    """Of all that decides a result; a candidate's name does not."""
    content = asdict(trial)
    del content["candidate"]
    content["images"] = hashlib.sha256(trial.images.tobytes()).hexdigest()
    content["weights"] = sha256(trial.weights)
    content |= {"code": dict(code), "libraries": libraries()}
    return hashlib.sha256(canonical_json(content)).hexdigest()
