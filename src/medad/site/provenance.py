"""What a cell's page says of where its number comes from: parameters, code, machines, steps."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from medad.lineage.graph import Node
from medad.site.document import command, details, facts, table
from medad.site.graph import TITLES, anchor, describe
from medad.site.material import Cell
from medad.site.text import code, digest, esc, plural


def commands(cell: Cell) -> str:
    """How to see and to repeat the same in a shell."""
    file = f"results/tables/{cell.table}.csv"
    column = cell.name.rpartition("/")[2]
    chosen = [
        file,
        *("--row", cell.entry["row"], "--column", column),
        *("--dataset", cell.dataset, "--split", cell.split),
    ]
    told = "".join(
        f"<p>{text}</p>{command(shlex.join(['medad', name, *chosen]))}"
        for name, text in (
            (
                "audit",
                "Everything this page says of the number, as text; <code>--json</code> adds "
                "every image:",
            ),
            (
                "reproduce",
                "The number again, in a clean folder with an empty store, compared byte by byte:",
            ),
        )
    )
    return f'<div class="commands">{told}</div>'


def parameters(cell: Cell) -> str:
    """Every parameter by step; the steps of a draw in the order in which they run."""
    blocks = []
    for kind in (kind for kind in TITLES if kind in cell.audit["parameters"]):
        rows = [(code(name), code(value)) for name, value in flat(cell.audit["parameters"][kind])]
        if kind != "table" and rows:
            body = table(f"Parameters of {TITLES[kind]}", ["parameter", "value"], rows)
            blocks.append(details(f"{TITLES[kind]} <small>{len(rows)}</small>", body))
    return "".join(blocks)


def flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """("tritanh.m0", "0.0") and so on, sorted by name; lists are one value."""
    for name, item in sorted(value.items()):
        if isinstance(item, Mapping):
            yield from flat(item, f"{above}{name}.")
        else:
            yield f"{above}{name}", "none" if item is None else str(item)


def modules(cell: Cell) -> str:
    """Commits, and the hash of every module that the number depends on."""
    found = cell.audit["code"]
    changed = set(found["changed_since"])
    rows = [
        (code(name), code(sha256), "changed since" if name in changed else "as it was")
        for name, sha256 in found["modules"].items()
    ]
    commits = "".join(f"<li>{_commit(commit)}</li>" for commit in cell.audit["commits"])
    summary = f"{plural(len(rows), 'module')}, {len(changed)} changed since"
    body = table("Code modules", ["module", "sha256", "now"], rows)
    return f"<ul>{commits}</ul>{details(summary, body)}"


def _commit(commit: Mapping[str, str | None]) -> str:
    if commit["commit"] is None:
        return "computed outside a git repository"
    dirty = f", with uncommitted changes {digest(commit['diff'])}" if commit["diff"] else ""
    return f"commit {code(commit['commit'])}{dirty}"


def seeds(cell: Cell) -> str:
    """Seed of every step and purpose, a column a draw."""
    purposes = sorted(
        {(kind, purpose) for run in cell.runs for kind, own in run.seeds.items() for purpose in own}
    )
    rows = [
        (
            esc(
                TITLES.get(kind, kind)
                if kind == purpose
                else f"{TITLES.get(kind, kind)}: {purpose}"
            ),
            *(esc(run.seeds.get(kind, {}).get(purpose, "")) for run in cell.runs),
        )
        for kind, purpose in purposes
    ]
    head = ["seed", *(esc(run.name) for run in cell.runs)]
    return table("Seeds", head, rows, "plain numbers")


def weights(cell: Cell) -> str:
    """Published weights that stage 1 or the detector starts from."""
    rows = []
    for item in cell.audit["weights"]:
        params = item["params"]
        source = next((code(given["path"]) for given in item["source"].values()), "made here")
        rows.append(
            (
                esc(params["name"]),
                esc(params["weights"]),
                source,
                code(item["output"]["sha256"]),
            )
        )
    head = ["backbone", "weights", "source", "sha256"]
    return table("Weights", head, rows) if rows else ""


def machines(cell: Cell) -> str:
    """Hardware and library versions, as the records have them."""
    blocks = [
        facts((name, esc(value)) for name, value in machine.items())
        for machine in cell.audit["machines"]
    ]
    blocks += [
        facts((name, esc(value)) for name, value in libraries.items())
        for libraries in cell.audit["libraries"]
    ]
    return "".join(blocks) or "<p>No record says where this was computed.</p>"


def records(cell: Cell) -> str:
    """When, how long and with how much memory; MLflow's runs."""
    found = cell.audit["records"]
    pairs = [
        ("computed", plural(int(found["computed"]), "step")),
        ("restored from the store", plural(int(found["restored"]), "step")),
        ("computation", f"{float(found['compute_s']):,.1f} s"),
    ]
    if found["peak_memory_mib"] is not None:
        pairs.append(("peak memory", f"{int(found['peak_memory_mib']):,} MiB"))
    if found["first"] is not None:
        pairs += [("first", _moment(found["first"])), ("last", _moment(found["last"]))]
    tracked = [(code(path), code(run)) for path, run in cell.audit["mlflow"].items()]
    runs = table("MLflow runs", ["step", "MLflow run"], tracked) if tracked else ""
    return facts(pairs) + (details(plural(len(tracked), "MLflow run"), runs) if runs else "")


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def steps(nodes: Sequence[Node]) -> str:
    """Every step with its key and outputs; what the boxes of the graph lead to."""
    lines = []
    order = {kind: number for number, kind in enumerate(TITLES)}
    for node in sorted(nodes, key=lambda node: (order.get(node.kind, len(order)), node.path)):
        outputs = "".join(
            f"<div>{code(item['path'])} <span>sha256 {code(item['sha256'])}</span></div>"
            for item in node.manifest["outputs"].values()
        )
        lines.append(
            f'<li id="{esc(anchor(node))}" tabindex="-1">'
            f"<h3>{esc(TITLES.get(node.kind, node.kind))} <small>{esc(describe(node))}</small></h3>"
            f"<div>{code(node.path)} <span>key {code(node.manifest['key'])}</span></div>"
            f"{outputs}</li>"
        )
    return f'<ol class="steps">{"".join(lines)}</ol>'
