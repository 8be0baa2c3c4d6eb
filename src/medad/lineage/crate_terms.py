"""Entities of a Provenance Run Crate (profile 0.5, on RO-Crate 1.1), each a plain JSON-LD object.

The words are those of schema.org, Bioschemas and the Workflow Run Crate profiles. Pure functions:
nothing here reads a file.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from medad.lineage.export import Image, Step

Entity = dict[str, Any]

VERSION = "1.1"
# Words that the context of RO-Crate 1.1 does not have; given here, so that nothing is looked up.
EXTRA_TERMS = {
    "sha256": "http://schema.org/sha256",
    "resourceUsage": "https://w3id.org/ro/terms/workflow-run#resourceUsage",
}
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
LICENSE = "https://spdx.org/licenses/Apache-2.0"
COMPLETED = "http://schema.org/CompletedActionStatus"
ENGINE = "https://snakemake.github.io"
LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
WORKFLOW = "Snakefile"
RUN = "#workflow-run"
_PROFILE_OF_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_FORMATS = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
}


def ref(identifier: str) -> Entity:
    """A reference to another entity."""
    return {"@id": identifier}


def refs(identifiers: Iterable[str]) -> list[Entity]:
    """References, each once, in the order given."""
    return [ref(identifier) for identifier in dict.fromkeys(identifiers)]


def copied_id(path: str) -> str:
    """Id of a file inside the crate."""
    return quote(path)


def hashed_id(path: str, sha256: str) -> str:
    """Id of a file that is known by hash alone: RFC 6920, so the name says the content.

    The path is data: it is escaped, and tells apart files of equal content.
    """
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}?path={quote(path, safe='')}"


def file(identifier: str, name: str, sha256: str, size: int | None) -> Entity:
    """A file, in the crate or not."""
    found: Entity = {"@id": identifier, "@type": "File", "name": name, "sha256": sha256}
    if size is not None:
        found["contentSize"] = str(size)
    format_ = _FORMATS.get(PurePosixPath(name).suffix.lower())
    return found if format_ is None else {**found, "encodingFormat": format_}


def image(found: Image) -> Entity:
    """An image or mask: its hash, size and name, never its content."""
    path = f"{found.dataset}/{found.path}"
    return file(hashed_id(path, found.sha256), path, found.sha256, found.size)


def collection(images: Iterable[str]) -> Entity:
    """A set of images that a step read, named by its members."""
    members = sorted(images)
    name = hashlib.sha256("\n".join(members).encode()).hexdigest()
    return {
        "@id": f"#images-{name[:16]}",
        "@type": "Collection",
        "name": f"{len(members)} images",
        "hasPart": refs(members),
        "exampleOfWork": ref(formal_id("workflow", "images")),
    }


def formal_id(owner: str, name: str) -> str:
    """Id of a parameter of a tool or of the workflow."""
    return f"#{owner}-parameter-{quote(name, safe='')}"


def formal(owner: str, name: str, kind: str) -> Entity:
    """A parameter that a tool or the workflow has; ``kind``: File, Collection or PropertyValue."""
    return {
        "@id": formal_id(owner, name),
        "@type": "FormalParameter",
        "additionalType": kind,
        "conformsTo": ref(_PROFILE_OF_PARAMETER),
        "name": name,
    }


def value(owner: str, name: str, content: Any) -> Entity:
    """The value that a parameter had in some step; structured values as JSON."""
    found = fact(owner, name, content)
    return {**found, "exampleOfWork": ref(formal_id(owner, name))}


def fact(owner: str, name: str, content: Any) -> Entity:
    """A named value; equal ones are one entity."""
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    digest = hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()[:16]
    return {"@id": f"#{owner}-{digest}", "@type": "PropertyValue", "name": name, "value": text}


def usage(key: str, name: str, amount: float, unit: str) -> Entity:
    """What an attempt used; ``unit`` is a UN/CEFACT code."""
    return {
        "@id": f"#usage-{name}-{key}",
        "@type": "PropertyValue",
        "name": name,
        "propertyID": name,
        "unitCode": unit,
        "value": str(amount),
    }


def tool(kind: str, version: str, inputs: Iterable[str], outputs: Iterable[str]) -> Entity:
    """The module that runs the steps of one kind."""
    return {
        "@id": tool_id(kind),
        "@type": "SoftwareApplication",
        "name": f"medad.steps.{kind}",
        "softwareVersion": version,
        "input": refs(inputs),
        "output": refs(outputs),
    }


def tool_id(kind: str) -> str:
    return f"#medad.steps.{kind}"


def how_to_step(kind: str, position: int) -> Entity:
    """A rule of the Snakefile."""
    return {
        "@id": f"#rule-{kind}",
        "@type": "HowToStep",
        "name": f"rule {kind}",
        "position": str(position),
        "workExample": ref(tool_id(kind)),
    }


def again(path: str) -> str:
    """The command that makes a result again as it was made: a preset or options on the command
    line of the first run are in no file, its parameters are in the manifests."""
    return f"medad reproduce {path}"


def action(step: Step, objects: Iterable[str], results: Iterable[str]) -> Entity:
    """One step: its tool, what it read and what it made."""
    return {
        "@id": action_id(step),
        "@type": "CreateAction",
        "name": step.name,
        "description": again(next(iter(step.node.manifest["outputs"].values()))["path"]),
        "instrument": ref(tool_id(step.node.kind)),
        "object": refs(objects),
        "result": refs(results),
        **times([step]),
    }


def action_id(step: Step) -> str:
    return f"#step-{step.key}"


def control(step: Step) -> Entity:
    """That the engine ran a step, as the rule of its kind."""
    return {
        "@id": f"#control-{step.key}",
        "@type": "ControlAction",
        "name": f"rule {step.node.kind} for {step.name}",
        "instrument": ref(f"#rule-{step.node.kind}"),
        "object": ref(action_id(step)),
    }


def language(version: str) -> Entity:
    """Snakemake, as the language of the Snakefile."""
    return {
        "@id": LANGUAGE,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "identifier": ref("https://doi.org/10.1093/bioinformatics/bts480"),
        "url": ref("https://snakemake.readthedocs.io"),
        "version": version,
    }


def engine(version: str) -> Entity:
    """Snakemake, as the program that ran the steps."""
    return {
        "@id": ENGINE,
        "@type": "SoftwareApplication",
        "name": "Snakemake",
        "softwareVersion": version,
        "url": ENGINE,
    }


def engine_run(steps: Sequence[Step]) -> Entity:
    """That Snakemake ran the steps."""
    return {
        "@id": "#engine-run",
        "@type": "OrganizeAction",
        "name": "run of Snakemake",
        "instrument": ref(ENGINE),
        "object": refs(f"#control-{step.key}" for step in steps),
        "result": ref(RUN),
        **times(steps),
    }


def times(steps: Iterable[Step]) -> Entity:
    """Start, end and status, as far as records tell: without a record, nothing is said."""
    known = [step for step in steps if step.record is not None]
    starts = [step.started for step in known if step.started is not None]
    ends = [step.ended for step in known if step.ended is not None]
    if not starts:
        return {}
    return {
        "actionStatus": COMPLETED,
        "startTime": min(starts).isoformat(timespec="milliseconds"),
        "endTime": max(ends).isoformat(timespec="milliseconds"),
    }


def facts_of(record: Mapping[str, Any]) -> list[Entity]:
    """Machine, libraries, device and commit of an attempt."""
    found = [fact("machine", name, content) for name, content in record["machine"].items()]
    found += [fact("library", name, content) for name, content in record["libraries"].items()]
    found.append(fact("machine", "device", record["device"]))
    found.append(fact("repository", "commit", record["repository"]["commit"]))
    if record["repository"]["diff"]:
        name = "sha256 of uncommitted changes"
        found.append(fact("repository", name, record["repository"]["diff"]))
    return found
