"""What a crate of one artifact holds: entities, and which files lie inside."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import medad
from medad import layout
from medad.errors import MedadError
from medad.files import digest, sha256
from medad.lineage import crate_terms as terms
from medad.lineage import export, record
from medad.lineage.adopt import evidence
from medad.lineage.crate_terms import Entity
from medad.lineage.export import Step

_SOURCES = ("params.yaml", "dvc.yaml", "workflow/**/*.smk", "workflow/**/*.yaml")

Told = tuple[str, str, int]  # path, sha256 and size of an output


@dataclass(frozen=True)
class Contents:
    """What a crate holds: entities by id, and the files to copy (id -> path below the root)."""

    target: str
    steps: list[Step]
    entities: dict[str, Entity] = field(default_factory=dict)
    copied: dict[str, str] = field(default_factory=dict)
    ports: dict[str, set[str]] = field(default_factory=dict)  # kind -> inputs, as parameters
    images: dict[tuple[str, str], str] = field(default_factory=dict)  # (dataset, path) -> id

    def add(self, *entities: Entity) -> list[str]:
        """Ids of entities, which are in the crate from now on; the first of equal ids stays."""
        for entity in entities:
            self.entities.setdefault(entity["@id"], entity)
        return [entity["@id"] for entity in entities]

    def example(self, name: str, *parameters: str) -> None:
        """That a file is what a parameter of a tool, or of the workflow, was in this run."""
        known = self.entities[name].setdefault("exampleOfWork", [])
        known += [one for one in terms.refs(parameters) if one not in known]


def describe(root: Path, target: str) -> Contents:
    """Everything ``target`` rests on; MedadError where the chain or a file is not as recorded."""
    found = Contents(target, export.steps(root, target))
    outputs = found.steps[-1].node.manifest["outputs"].values()
    opened = {(item["path"], item["sha256"], item["size"]) for item in outputs}
    _add_images(root, found)
    for step in found.steps:
        _add_step(root, found, step, opened)
    _add_tools(found)
    _add_run(root, found, opened)
    return found


def _add_images(root: Path, found: Contents) -> None:
    for step in found.steps:
        if step.node.kind == "index":
            for image in export.images(root, step.node):
                (name,) = found.add(terms.image(image))
                found.images[image.dataset, image.path] = name


def _add_step(root: Path, found: Contents, step: Step, opened: set[Told]) -> None:
    """The action of a step, its files, parameters, records and facts."""
    manifest, kind = step.node.manifest, step.node.kind
    read = []
    for name, item in manifest["inputs"].items():
        port = name.partition("/")[0]
        found.ports.setdefault(kind, set()).add(port)
        read.append(_file(root, found, item["path"], item["sha256"], None))
        found.example(read[-1], terms.formal_id(kind, f"input {port}"))
    if kind in export.READERS:
        read += found.add(terms.collection(_images(root, found, step)))
    for name, content in manifest["params"].items():
        read += found.add(terms.value(kind, name, content))
    open_ = {path for path, _, _ in opened} | set(evidence(step.node))
    made = [
        _file(root, found, item["path"], item["sha256"], item["size"], copied=item["path"] in open_)
        for item in manifest["outputs"].values()
    ]
    for name, identifier in zip(manifest["outputs"], made, strict=True):
        found.example(identifier, terms.formal_id(kind, f"output {name}"))
    own = digest(root / step.node.path)
    made.append(_file(root, found, step.node.path, own.sha256, own.size, copied=True))
    entity = terms.action(step, read, made)
    found.add(entity, terms.control(step))
    if step.record is not None:
        _add_records(root, found, step, step.record, entity)


def _add_records(
    root: Path, found: Contents, step: Step, used: dict[str, Any], action: Entity
) -> None:
    """What a step used and where it ran, and the record of every attempt at it."""
    amounts = [
        terms.usage(step.key, "peak-memory", used["peak_memory_mib"], "E63"),
        terms.usage(step.key, "wall-clock", used["wall_s"], "SEC"),
    ]
    action["resourceUsage"] = terms.refs(found.add(*amounts))
    action["additionalProperty"] = terms.refs(found.add(*terms.facts_of(used)))
    for path in sorted((root / record.FOLDER / step.key[:2] / step.key).glob("*.json")):
        content = digest(path)
        name = path.relative_to(root).as_posix()
        told = _file(root, found, name, content.sha256, content.size, copied=True)
        found.entities[told]["about"] = terms.ref(action["@id"])


def _images(root: Path, found: Contents, step: Step) -> list[str]:
    """Ids of the images that a step read."""
    dataset = str(step.node.manifest["identity"]["dataset"])
    paths = export.image_paths(root, step.node)
    strange = [path for path in paths if (dataset, path) not in found.images]
    if strange:
        raise MedadError(f"{step.node.path}: read {strange[0]!r}, which is not in the index")
    return [found.images[dataset, path] for path in paths]


def _file(
    root: Path, found: Contents, path: str, digest_: str, size: int | None, *, copied: bool = False
) -> str:
    """Id of a file; one that is ``copied`` lies in the crate, unless it is not here."""
    inside = terms.copied_id(path)
    if inside in found.copied:
        if found.entities[inside]["sha256"] != digest_:
            raise MedadError(f"{path}: another version was read from it; see `medad verify`")
        return inside
    if copied and (root / path).is_file():
        if sha256(root / path) != digest_:
            raise MedadError(f"{path}: changed since it was made; see `medad verify`")
        found.copied[inside] = path
        return found.add(terms.file(inside, path, digest_, size))[0]
    return found.add(terms.file(terms.hashed_id(path, digest_), path, digest_, size))[0]


def _add_tools(found: Contents) -> None:
    """Modules and rules of the kinds of step there are, in the order of the pipeline."""
    kinds = {step.node.kind: step for step in found.steps}
    for position, kind in enumerate((kind for kind in layout.STEMS if kind in kinds), start=1):
        params = [
            terms.formal(kind, name, "PropertyValue")
            for name in sorted(
                {
                    name
                    for step in found.steps
                    if step.node.kind == kind
                    for name in step.node.manifest["params"]
                }
            )
        ]
        ports = [
            terms.formal(kind, f"input {name}", "File")
            for name in sorted(found.ports.get(kind, ()))
        ]
        outputs = [
            terms.formal(kind, f"output {name}", "File")
            for name in sorted(kinds[kind].node.manifest["outputs"])
        ]
        inputs, made = found.add(*ports, *params), found.add(*outputs)
        found.add(terms.tool(kind, medad.__version__, inputs, made))
        found.add(terms.how_to_step(kind, position))


def _add_run(root: Path, found: Contents, opened: set[Told]) -> None:
    """The workflow, the engine, and the run as a whole."""
    kinds = list(dict.fromkeys(step.node.kind for step in found.steps))
    images = found.add(terms.formal("workflow", "images", "Collection"))
    result = found.add(terms.formal("workflow", "result", "File"))
    commits = ", ".join(_commits(found.steps)) or "unknown"
    collections = [
        name for name, entity in found.entities.items() if entity["@type"] == "Collection"
    ]
    made = [_file(root, found, *told, copied=True) for told in sorted(opened)]
    for name in made:
        found.example(name, *result)
    sources = {path.as_posix() for glob in _SOURCES for path in _below(root, glob)}
    for path in sorted(sources):
        content = digest(root / path)
        _file(root, found, path, content.sha256, content.size, copied=True)
    snakefile = digest(root / terms.WORKFLOW)
    _file(root, found, terms.WORKFLOW, snakefile.sha256, snakefile.size, copied=True)
    workflow = found.entities[terms.WORKFLOW]
    workflow |= {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": "medad: few-shot anomaly detection in medical images",
        "description": "The files as they are now; the version is that of what was computed.",
        "programmingLanguage": terms.ref(terms.LANGUAGE),
        "version": commits,
        "input": terms.refs(images),
        "output": terms.refs(result),
        "hasPart": terms.refs(terms.tool_id(kind) for kind in kinds),
        "step": terms.refs(f"#rule-{kind}" for kind in kinds),
    }
    repository = _repository(root)
    if repository is not None:
        workflow |= {"url": repository, "codeRepository": repository}
    engine = version("snakemake")
    found.add(
        terms.language(engine),
        terms.engine(engine),
        {
            "@id": terms.RUN,
            "@type": "CreateAction",
            "name": f"run of the workflow for {found.target}",
            "description": f"{terms.again(found.target)} (at commit {commits})",
            "instrument": terms.ref(terms.WORKFLOW),
            "object": terms.refs([*collections, "params.yaml"]),
            "result": terms.refs(made),
            **terms.times(found.steps),
        },
        terms.engine_run(found.steps),
    )


def _below(root: Path, glob: str) -> Iterable[Path]:
    return (path.relative_to(root) for path in root.glob(glob) if path.is_file())


def _commits(steps: list[Step]) -> list[str]:
    """Commits of the sources that computed the steps, those with uncommitted changes marked."""
    known = [step.record["repository"] for step in steps if step.record is not None]
    told = [
        f"{one['commit']}{' with uncommitted changes' if one['diff'] else ''}"
        for one in known
        if one["commit"]
    ]
    return list(dict.fromkeys(told))


def _repository(root: Path) -> str | None:
    """Where the sources are public, without any name or password; None when it is not known."""
    command = ["git", "remote", "get-url", "origin"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    found = re.fullmatch(r"https?://(?:[^/@]*@)?([^/@\s]+/\S+)", done.stdout.strip())
    return None if done.returncode or found is None else f"https://{found[1]}"
