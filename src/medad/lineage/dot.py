"""The steps behind a number as a Graphviz digraph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medad.lineage import manifest
from medad.lineage.graph import Node

_SHORT = 12  # digits of a key or sha256


def digraph(name: str, nodes: Sequence[Node]) -> str:
    """DOT text: a box a step (kind, identity, short key), an edge an artifact that another reads.

    Edges point from maker to reader. Inputs that no step makes are notes. Inputs made by a step
    that is not in ``nodes`` are left out: they belong to other numbers.
    """
    return "\n".join([f"digraph {quoted(name)} {{", *_lines(nodes), "}"]) + "\n"


def quoted(*lines: str) -> str:
    """A DOT string whose text is exactly ``lines``, whatever they hold.

    Quotes and backslashes would end it or be read as escapes, ampersands as entities, and
    unprintable characters are written as their escapes.
    """
    return '"' + "\\n".join(_escaped(line) for line in lines) + '"'


def _escaped(text: str) -> str:
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return shown.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _lines(nodes: Sequence[Node]) -> Iterator[str]:
    # Names in the file are numbers: nothing that data holds is ever an identifier.
    names = {node.path: f"n{number}" for number, node in enumerate(nodes)}
    sources: dict[tuple[str, str], str] = {}
    yield "  rankdir=LR;"
    yield "  node [shape=box];"
    for node in nodes:
        identity = ", ".join(f"{k} {v}" for k, v in node.manifest["identity"].items())
        key = f"key {node.manifest['key'][:_SHORT]}"
        yield f"  {names[node.path]} [label={quoted(node.kind, identity, key)}];"
    for node in nodes:
        for item in node.manifest["inputs"].values():
            path, digest = str(item["path"]), str(item["sha256"])
            maker = manifest.beside(path)
            if maker is None and (path, digest) not in sources:
                source = sources[path, digest] = f"s{len(sources)}"
                yield f"  {source} [shape=note, label={quoted(path, digest[:_SHORT])}];"
            start = sources[path, digest] if maker is None else names.get(maker)
            if start is not None:
                label = quoted(path, digest[:_SHORT])
                yield f"  {start} -> {names[node.path]} [label={label}];"
