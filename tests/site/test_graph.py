"""The drawing of a lineage against brute force on random graphs."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from medad.lineage.graph import Node
from medad.site import graph

HOSTILE = "\"><script>alert('1')</script>\u202e"


def node(number: int, parents: list[Node], **identity: object) -> Node:
    manifest = {
        "kind": "head",
        "key": f"{number:064x}",
        "identity": identity or {"method": "m", "k": 2, "r": number},
        "outputs": {"head": {"path": f"results/{number}", "sha256": f"{number:064x}"}},
    }
    return Node(f"{number}.manifest.json", manifest, parents)


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 9))):
        wanted = draw(st.sets(st.integers(0, number - 1))) if number else set()
        nodes.append(node(number, [nodes[parent] for parent in sorted(wanted)]))
    return nodes


def reaches(start: Node, goal: str) -> bool:
    return any(parent.path == goal or reaches(parent, goal) for parent in start.parents)


@given(graphs())
def test_edges_lead_to_the_right_and_no_boxes_overlap(nodes: list[Node]) -> None:
    drawing = graph.arrange(nodes)
    assert set(drawing.places) == {one.path for one in nodes}
    for parent, child in drawing.edges:
        assert drawing.places[parent][0] < drawing.places[child][0]
    for column in range(drawing.columns):
        rows = sorted(row for at, row in drawing.places.values() if at == column)
        assert all(low >= -1e-9 for low in rows)
        assert all(high - low > 1 - 1e-9 for low, high in pairwise(rows))


@given(graphs())
def test_every_edge_is_drawn_unless_a_longer_way_implies_it(nodes: list[Node]) -> None:
    wanted = {
        (parent.path, child.path)
        for child in nodes
        for parent in child.parents
        if not any(reaches(other, parent.path) for other in child.parents)
    }
    assert set(graph.arrange(nodes).edges) == wanted


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.boxes: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "a":
            self.boxes.append(dict(attrs))


def test_hostile_names_stay_text() -> None:
    links = Links()
    links.feed(graph.render(HOSTILE, [node(1, [], table=HOSTILE)]))
    assert "script" not in links.tags
    (box,) = links.boxes
    lines = json.loads(box["data-lines"] or "")
    assert lines[1] == f"results/1  sha256 {1:064x}"
    assert box["href"] == "#step-000000000000"


def test_a_step_is_described_by_what_tells_it_from_its_like() -> None:
    assert graph.describe(node(1, [])) == "m · K 2, draw 1"
    assert graph.describe(node(1, [], dataset="d", split="s")) == "d · s"
    assert graph.describe(node(1, [], dataset="d", split="s", k=4, r=0)) == "K 4, draw 0"
