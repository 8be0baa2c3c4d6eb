"""A Provenance Run Crate of one artifact: what made it, small files inside, images by hash."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from medad.errors import MedadError
from medad.lineage import crate_terms as terms
from medad.lineage.crate_contents import Contents, describe
from medad.lineage.crate_terms import Entity


def write(root: Path, target: str, out: Path) -> tuple[int, int]:
    """(files copied, files known by hash alone) of a new folder ``out``.

    MedadError when ``out`` lies in the project or holds something, the chain of manifests is
    broken, or a file is not what its manifest says. Nothing is left behind then.
    """
    if out.resolve().is_relative_to(root.resolve()):
        raise MedadError(
            f"{out}: lies in the project, where git and DVC would take its files for their own; "
            "give a folder outside"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MedadError(f"{out}: is there already; give a new or empty folder")
    found = describe(root, target)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        _write(root, found, part)
        part.replace(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    files = sum("File" in _types(entity) for entity in found.entities.values())
    return len(found.copied), files - len(found.copied)


def _types(entity: Entity) -> list[str]:
    found = entity["@type"]
    return found if isinstance(found, list) else [found]


def _compact(value: Any) -> Any:
    """A list of one as that one, as RO-Crate recommends."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _write(root: Path, found: Contents, folder: Path) -> None:
    from rocrate.model.contextentity import ContextEntity  # type: ignore[import-untyped]
    from rocrate.model.file import File  # type: ignore[import-untyped]
    from rocrate.rocrate import ROCrate  # type: ignore[import-untyped]

    crate = ROCrate(version=terms.VERSION)
    crate.metadata.extra_terms.update(terms.EXTRA_TERMS)
    crate.metadata["conformsTo"] = [
        terms.ref(f"https://w3id.org/ro/crate/{terms.VERSION}"),
        terms.ref("https://w3id.org/workflowhub/workflow-ro-crate/1.0"),
    ]
    for name, entity in sorted(found.entities.items()):
        properties = {key: _compact(item) for key, item in entity.items() if key != "@id"}
        if "File" not in _types(entity):
            crate.add(ContextEntity(crate, name, properties))
        elif name in found.copied:
            path = found.copied[name]
            crate.add(File(crate, root / path, path, properties=properties))
        else:
            crate.add(File(crate, name, properties=properties))
    license_ = {"@type": "CreativeWork", "name": "Apache License 2.0", "identifier": terms.LICENSE}
    crate.add(ContextEntity(crate, terms.LICENSE, license_))
    for name, title in terms.PROFILES.items():
        facts = {"@type": "CreativeWork", "name": title, "version": name.rpartition("/")[2]}
        crate.add(ContextEntity(crate, name, facts))
    crate.root_dataset["conformsTo"] = terms.refs(terms.PROFILES)
    _describe_root(crate, found)
    crate.write(folder)


def _describe_root(crate: Any, found: Contents) -> None:
    crate.name = f"{found.target} and its provenance"
    crate.description = (
        f"Every step that {found.target} rests on. Medical images, what is drawn from them, and "
        "models are named by their sha256 and are not included; the licence is that of the rest."
    )
    crate.license = crate.get(terms.LICENSE)
    crate.mainEntity = crate.get(terms.WORKFLOW)
    ended = terms.times(found.steps).get("endTime")
    if ended is not None:
        crate.root_dataset["datePublished"] = ended
    kinds = ("CreateAction", "OrganizeAction", "Collection")
    mentioned = [name for name, one in found.entities.items() if one["@type"] in kinds]
    crate.root_dataset["mentions"] = terms.refs(sorted(mentioned))
