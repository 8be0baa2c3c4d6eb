"""The lineage of a number as SVG: one box a step, each a link to its line in the table below."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from medad.lineage.graph import Node
from medad.shot_counts import text as count
from medad.site.text import SHORT, esc

_BOX = (90, 38)
_STEP = (107, 50)  # from box to box; ten columns fit a page
_MARGIN = 8
_FITTING = 14  # letters of a box's second line
_BRIEF = {"pairs": "pairs"}  # titles that are too long for a box
TITLES = {
    "weights": "weights",
    "phantom": "images",
    "index": "index",
    "split": "split",
    "shots": "shots",
    "pairs": "synthetic pairs",
    "stage1": "stage 1",
    "head": "detector",
    "score": "scores",
    "metrics": "metrics",
    "intervals": "intervals",
    "table": "table",
}


@dataclass(frozen=True)
class Drawing:
    """Boxes by manifest path, as (column, height in rows), and edges from parent to child."""

    places: dict[str, tuple[int, float]]
    edges: list[tuple[str, str]]

    @property
    def columns(self) -> int:
        return 1 + max(column for column, _ in self.places.values())

    @property
    def rows(self) -> float:
        return 1 + max(row for _, row in self.places.values())


def arrange(nodes: Sequence[Node]) -> Drawing:
    """Columns by the longest way from a source; in a column, steps beside what they lead to.

    ``nodes`` hold every step to draw; parents that are not among them are left out, and so are
    edges that a longer way implies: all inputs of a step are in its manifest, a drawing of them
    all hides the way.
    """
    by_path = {node.path: node for node in nodes}
    parents = {
        path: sorted({p.path for p in node.parents if p.path in by_path})
        for path, node in by_path.items()
    }
    above: dict[str, set[str]] = {}

    def ancestors(path: str) -> set[str]:
        if path not in above:
            above[path] = {p for parent in parents[path] for p in (parent, *ancestors(parent))}
        return above[path]

    edges = [
        (parent, path)
        for path, own in parents.items()
        for parent in own
        if not any(parent in ancestors(other) for other in own)
    ]
    children: dict[str, list[str]] = defaultdict(list)
    for parent, path in edges:
        children[parent].append(path)
    depth: dict[str, int] = {}

    def column(path: str) -> int:
        if path not in depth:
            depth[path] = 1 + max((column(parent) for parent in parents[path]), default=-1)
        return depth[path]

    for path in by_path:
        column(path)
    # Sources stand just before the first step that reads them.
    for path in by_path:
        if not parents[path] and children[path]:
            depth[path] = min(depth[child] for child in children[path]) - 1
    places: dict[str, tuple[int, float]] = {}
    for at in sorted(set(depth.values()), reverse=True):
        members = [path for path in by_path if depth[path] == at]
        wanted = {
            path: _mean([places[child][1] for child in children[path]], float(number))
            for number, path in enumerate(members)
        }
        for path, row in zip(
            sorted(members, key=lambda p: wanted[p]),
            _apart(sorted(wanted.values())),
            strict=True,
        ):
            places[path] = (at, row)
    lowest = min(row for _, row in places.values())
    return Drawing({path: (at, row - lowest) for path, (at, row) in places.items()}, edges)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _apart(rows: Sequence[float]) -> list[float]:
    """Ascending rows moved at least one row apart, around where they were."""
    moved: list[float] = []
    for row in rows:
        moved.append(max(row, moved[-1] + 1) if moved else row)
    shift = _mean([new - old for new, old in zip(moved, rows, strict=True)], 0.0)
    return [row - shift for row in moved]


def anchor(node: Node) -> str:
    """Where the table of steps lists this one."""
    return f"step-{node.manifest['key'][:SHORT]}"


def describe(node: Node) -> str:
    """Which of its kind a step is: method, K and draw, or data set and split."""
    identity = node.manifest["identity"]
    drawn = f"K {count(identity['k'])}, draw {identity['r']}" if "r" in identity else ""
    about = [
        str(identity[name])
        for name in ("method", "synthesis", "table", "backbone", "weights")
        if name in identity
    ]
    if not about and not drawn:
        about = [str(identity[name]) for name in ("dataset", "split") if name in identity]
    return " · ".join([*about, drawn] if drawn else about)


def render(label: str, nodes: Sequence[Node]) -> str:
    """The SVG in a box that scrolls, and the line in which the script shows a step's hashes."""
    drawing = arrange(nodes)
    width = (drawing.columns - 1) * _STEP[0] + _BOX[0] + 2 * _MARGIN
    height = (drawing.rows - 1) * _STEP[1] + _BOX[1] + 2 * _MARGIN
    edges = "".join(_edge(drawing, *edge) for edge in drawing.edges)
    boxes = "".join(_box(drawing, node) for node in nodes)
    return (
        f'<div class="scroll graph" role="region" aria-label="{esc(label)}" tabindex="0">'
        f'<svg width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
        f'<g class="edges">{edges}</g>{boxes}</svg></div>'
        '<p class="graph-info" aria-live="polite">Point at a step, or reach it with the Tab key, '
        "to see its hashes here. Following it leads to its line under “Steps”. Lines that others "
        "imply are left out.</p>"
    )


def _corner(drawing: Drawing, path: str) -> tuple[float, float]:
    column, row = drawing.places[path]
    return _MARGIN + column * _STEP[0], _MARGIN + row * _STEP[1]


def _edge(drawing: Drawing, parent: str, child: str) -> str:
    (x1, y1), (x2, y2) = _corner(drawing, parent), _corner(drawing, child)
    x1, y1, y2 = x1 + _BOX[0], y1 + _BOX[1] / 2, y2 + _BOX[1] / 2
    bend = min((x2 - x1) / 2, 30)
    start, end = f"{x1:.0f} {y1:.1f}", f"{x2:.0f} {y2:.1f}"
    return f'<path d="M{start}C{x1 + bend:.0f} {y1:.1f} {x2 - bend:.0f} {y2:.1f} {end}"/>'


def _box(drawing: Drawing, node: Node) -> str:
    x, y = _corner(drawing, node.path)
    outputs = [
        f"{item['path']}  sha256 {item['sha256']}" for item in node.manifest["outputs"].values()
    ]
    title = TITLES.get(node.kind, node.kind)
    lines = [f"{title}: {describe(node)}", *outputs]
    lines.append(f"key {node.manifest['key']}")
    # The script reads the same text from the data attribute, for those who use a keyboard.
    return (
        f'<a class="box {esc(node.kind)}" href="#{esc(anchor(node))}" '
        f'data-lines="{esc(json.dumps(lines))}">'
        f"<title>{esc(' | '.join(lines))}</title>"
        f'<rect x="{x:.0f}" y="{y:.1f}" width="{_BOX[0]}" height="{_BOX[1]}" rx="7"/>'
        f'<text class="kind" x="{x + 9:.0f}" y="{y + 16:.1f}">{esc(_BRIEF.get(node.kind, title))}'
        f'</text><text class="what" x="{x + 9:.0f}" y="{y + 29:.1f}">{esc(_brief(node))}</text></a>'
    )


def _brief(node: Node) -> str:
    """The end of ``describe`` that tells the boxes of one drawing apart, as far as it fits."""
    identity = node.manifest["identity"]
    names = [
        identity[name] for name in ("backbone", "table", "split", "dataset") if name in identity
    ]
    text = f"K {count(identity['k'])}, draw {identity['r']}" if "r" in identity else str(names[0])
    return text if len(text) <= _FITTING else f"{text[: _FITTING - 1]}…"
