from __future__ import annotations

import html
import re

from hypothesis import example, given
from hypothesis import strategies as st

from medad.lineage.dot import digraph, quoted
from medad.lineage.graph import Node

# Graphviz's own rules: a string ends at the first quote without a backslash before it, where a
# pair of backslashes is one character.
STRING = r'"((?:[^"\\]|\\.)*)"'
LINE = re.compile(
    rf"digraph {STRING} \{{|  rankdir=LR;|  node \[shape=box\];|\}}"
    rf"|  [ns]\d+ \[(?:shape=note, )?label={STRING}\];|  [ns]\d+ -> n\d+ \[label={STRING}\];"
)


def shown(label: str) -> str:
    """What Graphviz draws for the inside of a quoted label."""
    escapes = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
    return html.unescape(re.sub(r"\\.", lambda found: escapes[found[0]], label))


def node(path: str, kind: str, inputs: dict[str, str], **identity: str) -> Node:
    return Node(
        path,
        {
            "kind": kind,
            "identity": identity,
            "key": "a" * 64,
            "inputs": {str(i): {"path": p, "sha256": d} for i, (p, d) in enumerate(inputs.items())},
        },
    )


INDEX = node("results/index/d/index.manifest.json", "index", {".prov/raw/d.json": "e" * 64})
SPLIT = node(
    "results/splits/d/grouped.manifest.json",
    "split",
    {"results/index/d/index.parquet": "b" * 64},
    dataset="d",
)


@given(st.lists(st.text(), min_size=1, max_size=3))
@example(['"];\n} digraph "evil" { a [label="'])
@example(["\\", '\\"', "\\n\\N\\G"])
@example(["&lt;b&gt; &#34;", "<b>x</b>"])
@example(["a\x00b\x1b[2J\u202e"])
def test_any_text_stays_one_string_and_reads_as_itself(lines: list[str]) -> None:
    found = re.fullmatch(STRING, quoted(*lines), flags=re.S)
    assert found
    assert found[1].isprintable()
    expected = ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in lines]
    assert shown(found[1]) == "\n".join(expected)


def test_edges_lead_from_maker_to_reader_with_the_artifact() -> None:
    text = digraph("d", [SPLIT, INDEX])
    assert "  n1 -> n0 [label=" in text
    assert f"results/index/d/index.parquet\\n{'b' * 12}" in text
    assert f's0 [shape=note, label=".prov/raw/d.json\\n{"e" * 12}"];' in text
    assert "  s0 -> n1 [label=" in text
    assert f'n0 [label="split\\ndataset d\\nkey {"a" * 12}"]' in text


def test_what_belongs_to_other_numbers_is_left_out() -> None:
    assert "->" not in digraph("d", [SPLIT])


def test_a_source_that_two_steps_read_is_drawn_once() -> None:
    other = node("results/index/e/index.manifest.json", "index", {".prov/raw/d.json": "e" * 64})
    text = digraph("d", [INDEX, other])
    assert text.count("shape=note") == 1
    assert text.count("s0 -> ") == 2


@given(st.text())
@example('x"]; }')
def test_hostile_names_are_never_syntax(name: str) -> None:
    hostile = node("results/index/d/index.manifest.json", name, {f"/{name}": name}, dataset=name)
    lines = digraph(name, [hostile]).split("\n")
    assert lines.pop() == ""
    assert all(LINE.fullmatch(line) for line in lines)
    assert len(lines) == 7
