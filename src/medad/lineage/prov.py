"""W3C PROV-JSON of an artifact: entities, activities and agents, from manifests and records."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from medad.files import canonical_json
from medad.lineage import export
from medad.lineage.export import Step

# Files are named by path and content, steps by their key: the same thing has one name everywhere.
PREFIXES = {
    "file": "urn:medad:file:",
    "step": "urn:medad:step:",
    "agent": "urn:medad:agent:",
    "medad": "urn:medad:term:",
}
Relations = dict[str, dict[str, Any]]


def document(root: Path, target: str) -> dict[str, Any]:
    """PROV-JSON of everything ``target`` rests on, down to the images; MedadError as audit."""
    entities: Relations = {}
    activities: Relations = {}
    agents: Relations = {}
    used: Relations = {}
    generated: Relations = {}
    associated: Relations = {}
    derived: Relations = {}
    for step in export.steps(root, target):
        manifest, activity = step.node.manifest, f"step:{step.key}"
        activities[activity] = _activity(step)
        read = [entity(entities, item["path"], item) for item in manifest["inputs"].values()]
        if step.node.kind == "index":
            for image in export.images(root, step.node):
                facts = {"sha256": image.sha256, "size": image.size}
                read.append(entity(entities, f"{image.dataset}: {image.path}", facts))
        made = [entity(entities, item["path"], item) for item in manifest["outputs"].values()]
        for name in dict.fromkeys(read):
            _relate(used, "u", {"prov:activity": activity, "prov:entity": name})
        for name in made:
            _relate(generated, "g", {"prov:entity": name, "prov:activity": activity})
            for source in dict.fromkeys(read):
                relation = {
                    "prov:generatedEntity": name,
                    "prov:usedEntity": source,
                    "prov:activity": activity,
                }
                _relate(derived, "d", relation)
        for name in _agents(agents, step):
            _relate(associated, "a", {"prov:activity": activity, "prov:agent": name})
    return {
        "prefix": PREFIXES,
        "entity": entities,
        "activity": activities,
        "agent": agents,
        "used": used,
        "wasGeneratedBy": generated,
        "wasAssociatedWith": associated,
        "wasDerivedFrom": derived,
    }


def entity(known: Relations, path: str, facts: dict[str, Any]) -> str:
    """Name of a file of one content, added to ``known``; the size is told by whoever knows it.

    A name is made of digests alone: a path could hold what a qualified name may not.
    """
    digest = str(facts["sha256"])
    name = f"file:{digest}-{hashlib.sha256(path.encode()).hexdigest()[:12]}"
    found = known.setdefault(name, {"prov:label": path, "medad:sha256": digest})
    if facts.get("size") is not None:
        found["medad:bytes"] = {"$": str(facts["size"]), "type": "xsd:long"}
    return name


def _activity(step: Step) -> dict[str, Any]:
    manifest = step.node.manifest
    found = {
        "prov:label": step.name,
        "medad:kind": step.node.kind,
        "medad:manifest": step.node.path,
        "medad:params": _text(manifest["params"]),
        "medad:seeds": _text(manifest["seeds"]),
        "medad:code": _text(manifest["code"]),
        "medad:threads": {"$": str(manifest["threads"]), "type": "xsd:int"},
    }
    if step.started is not None and step.ended is not None:
        found["prov:startTime"] = step.started.isoformat(timespec="milliseconds")
        found["prov:endTime"] = step.ended.isoformat(timespec="milliseconds")
    return found


def _agents(known: Relations, step: Step) -> list[str]:
    """The software and the machine of a recorded attempt."""
    if step.record is None:
        return []
    repository = step.record["repository"]
    software = {
        "prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"},
        "prov:label": "medad",
        "medad:commit": str(repository["commit"]),
        "medad:uncommitted": str(repository["diff"]),
        "medad:engine": str(step.record["engine"]),
        "medad:libraries": _text(step.record["libraries"]),
    }
    machine = {
        "prov:label": str(step.record["machine"]["host"]),
        **{f"medad:{name}": str(value) for name, value in step.record["machine"].items()},
    }
    names = []
    for kind, facts in (("software", software), ("machine", machine)):
        name = f"agent:{kind}-{hashlib.sha256(canonical_json(facts)).hexdigest()[:12]}"
        known[name] = facts
        names.append(name)
    return names


def _relate(relations: Relations, letter: str, relation: dict[str, Any]) -> None:
    relations[f"_:{letter}{len(relations)}"] = relation


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
