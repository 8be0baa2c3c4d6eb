"""Walk from an artifact to everything it rests on, through the manifests on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.lineage import manifest


@dataclass
class Node:
    """One step: its manifest, and the steps whose outputs it read."""

    path: str
    manifest: dict[str, Any]
    parents: list[Node] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    def up(self) -> Iterator[Node]:
        """This node and every ancestor, each once, nearest first."""
        pending, seen = [self], {self.path}
        while pending:
            node = pending.pop(0)
            yield node
            for parent in node.parents:
                if parent.path not in seen:
                    seen.add(parent.path)
                    pending.append(parent)


@dataclass(frozen=True)
class Graph:
    """Every manifest below a project's root."""

    root: Path

    @cached_property
    def paths(self) -> list[str]:
        """Manifests, sorted, relative to the root."""
        found = (self.root / "results").rglob(f"*{layout.MANIFEST}")
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def node(self, path: str, known: dict[str, Node] | None = None) -> Node:
        """The step of a manifest with its ancestry; MedadError where the chain is broken."""
        known = {} if known is None else known
        if path in known:
            return known[path]
        node = known[path] = self.alone(path)
        for item in node.manifest["inputs"].values():
            made = layout.parse(item["path"])
            if made is not None:
                node.parents.append(self.node(layout.manifest(*made), known))
        return node

    def alone(self, path: str) -> Node:
        """The step of a manifest without its ancestry, whose manifests are not read.

        What it says is believed of its own step only: see ``manifest.of_step``.
        """
        try:
            content = (self.root / path).read_bytes()
        except FileNotFoundError:
            raise MedadError(
                f"{path}: no manifest, so nothing is known of this artifact; make it with "
                "`snakemake`, or bring it with `dvc pull` or `medad adopt`"
            ) from None
        return Node(path, manifest.of_step(content, path, path))

    def of_file(self, path: str) -> Node:
        """The step that made an artifact."""
        return self.node(self.manifest_of(path))

    @staticmethod
    def manifest_of(path: str) -> str:
        """Path of the manifest of the step that makes an artifact."""
        made = layout.parse(path)
        if made is None:
            raise MedadError(f"{path}: not an artifact of medad (they lie in results/)")
        return layout.manifest(*made)


def relative(root: Path, path: str) -> str:
    """A user's path, as it is written in manifests: relative to the root, with slashes."""
    try:
        return Path(path).resolve().relative_to(root.resolve()).as_posix()
    except ValueError as error:
        raise MedadError(f"{path}: lies outside the project {root}") from error
