"""The page of one number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medad.reporting.published import STANDINGS
from medad.reporting.text import plain, signed
from medad.site import evidence, graph, provenance
from medad.site.album import Album
from medad.site.document import Crumb, contents, document, facts, section
from medad.site.material import Cell, Table
from medad.site.text import esc, plural

STANDING_NAMES = {"leaky": "leaky by design"}


def page(album: Album, table: Table, cell: Cell) -> str:
    """HTML of a cell's page."""
    nodes = album.material.nodes(cell)
    drawn = graph.render(f"Lineage of {cell.title}", nodes)
    parts = [
        ("check", "Check it yourself", provenance.commands(cell), ""),
        (
            "lineage",
            "Lineage",
            drawn,
            f"{plural(len(nodes), 'step')} from the images to the number.",
        ),
        (
            "draws",
            "Draws",
            evidence.draws(album, cell),
            "The healthy images a method is given. All methods get the same.",
        ),
        (
            "pairs",
            "Synthetic pairs",
            evidence.pairs(album, cell),
            "What stage 1 is trained on, made from the shots: one contact sheet a K.",
        ),
        ("training", "Training", evidence.training(album, cell), "Stage 1, as it was logged."),
        (
            "scores",
            "Scores",
            evidence.scores(album, cell),
            "Test images only. Higher is more anomalous.",
        ),
        (
            "examples",
            "Best and worst images",
            evidence.examples(album, cell),
            _examples_note(album, cell),
        ),
        ("parameters", "Parameters", provenance.parameters(cell), "By step, as they were used."),
        ("weights", "Weights", provenance.weights(cell), ""),
        ("code", "Code", provenance.modules(cell), ""),
        ("seeds", "Seeds", provenance.seeds(cell), ""),
        ("machines", "Machines and libraries", provenance.machines(cell), ""),
        ("records", "Records", provenance.records(cell), ""),
        ("steps", "Steps", provenance.steps(nodes), "Every artifact behind the number, by hash."),
    ]
    shown = [part for part in parts if part[2]]
    body = (
        _head(table, cell)
        + contents((name, title) for name, title, _, _ in shown)
        + "".join(section(name, title, inner, note) for name, title, inner, note in shown)
    )
    crumbs = [Crumb("Tables", "index.html"), Crumb(cell.table, f"index.html#{cell.table}")]
    return document(cell.page, f"{cell.title} · {cell.table}", crumbs, body)


def _head(table: Table, cell: Cell) -> str:
    entry = cell.entry
    sd = f" ± {plain(float(entry['sd']))}" if entry["sd"] else ""
    interval = f"[{plain(float(entry['low']))},&nbsp;{plain(float(entry['high']))}]"
    warned = "".join(f"<li>{text}</li>" for text in warnings(cell))
    return (
        f"<h1>{esc(cell.title)}</h1>"
        f'<p class="lead">{esc(table.params["title"])}. '
        f"Data set {esc(cell.dataset)}, split {esc(cell.split)}.</p>"
        f'<div class="number"><p class="value"><strong>{plain(float(entry["auroc"]))}</strong>'
        f"<span>{sd}</span></p>"
        f'<p class="interval">image AUROC, 95% interval {interval}</p></div>'
        f"{facts(_facts(table, cell))}"
        + (f'<ul class="warnings" aria-label="Mind">{warned}</ul>' if warned else "")
    )


def _facts(table: Table, cell: Cell) -> list[tuple[str, str]]:
    entry = cell.entry
    images = cell.audit["images"]
    standing, because = cell.standing
    found = [
        ("draws", f"{esc(entry['n'])} <small>{esc(cell.audit['number']['aggregation'])}</small>"),
        ("paper", _paper(entry)),
        ("verdict", _verdict(entry)),
        (
            "method",
            f"{standing_mark(standing)} <small>{esc(STANDINGS[standing])}"
            + (f": {esc(because)}" if because else "")
            + "</small>",
        ),
        (
            "images",
            f"{plural(len(images['shots']), 'shot')}, {len(images['test']):,} test, "
            f"{len(images['validation']):,} validation <small>distinct, over all draws</small>",
        ),
        ("every group once", plain(float(entry["auroc_grouped"]))),
    ]
    if entry["pixel_auroc"]:
        found.append(("pixel AUROC", plain(float(entry["pixel_auroc"]))))
    if entry["vs_baseline"]:
        low, high = signed(float(entry["vs_low"])), signed(float(entry["vs_high"]))
        ends = cell.audit["number"]["together"]
        together = f"; for all K together [{', '.join(map(signed, ends))}]" if ends else ""
        found.append(
            (
                f"against {table.params['baseline']}",
                f"{signed(float(entry['vs_baseline']))} [{low}, {high}] "
                f"<small>paired on the same draws and images{together}</small>",
            )
        )
    return found


def _paper(entry: Mapping[str, str]) -> str:
    return esc(entry["paper"]) if entry["paper"] else "no value to compare with"


def _verdict(entry: Mapping[str, str]) -> str:
    difference = f" ({signed(float(entry['difference']))})" if entry["difference"] else ""
    reason = f" <small>{esc(entry['reason'])}</small>" if entry["reason"] else ""
    return verdict_mark(entry["verdict"]) + difference + reason


def verdict_mark(verdict: str) -> str:
    """The verdict as a word with a colour of its own."""
    return f'<span class="mark {esc(verdict.replace(" ", "-"))}">{esc(verdict)}</span>'


def standing_mark(standing: str) -> str:
    """literal, reading, leaky by design or ours."""
    name = STANDING_NAMES.get(standing, standing)
    return f'<span class="mark {esc(standing)}">{esc(name)}</span>'


def warnings(cell: Cell) -> list[str]:
    """What a reader must know before believing the number (HTML)."""
    found = []
    if cell.standing[0] == "leaky":
        found.append("This method is trained on test images and their labels, by design.")
    changed = cell.audit["code"]["changed_since"]
    if changed:
        found.append(
            f'{plural(len(changed), "module")} changed since it was computed (<a href="#code">'
            "which</a>)."
        )
    hardware = {(one.get("cpu"), one.get("gpu")) for one in cell.audit["machines"]}
    if len(hardware) > 1:
        found.append(f"Computed on {len(hardware)} kinds of hardware; the last digits may differ.")
    for item in cell.audit["contested"]:
        found += _leaks(item["leakage"])
    if cell.entry["n"] == "1":
        found.append("One draw: the interval holds nothing of the chance of the draw.")
    return found


def _leaks(report: Mapping[str, Any]) -> list[str]:
    where = '(<a href="../leakage.html">leakage</a>)'
    found = []
    for pair, count in report["across"].items():
        if count:
            found.append(f"{plural(int(count), 'group')} of copies across {esc(pair)} {where}.")
    if report["conflicting"]:
        count = plural(len(report["conflicting"]), "group")
        found.append(f"{count} of copies with both labels {where}.")
    return found


def _examples_note(album: Album, cell: Cell) -> str:
    over = "" if len(cell.runs) == 1 else " Chosen by the mean rank over all draws."
    first = max(cell.runs, key=lambda run: (run.k, -run.r))
    shown = f"Rank, score and heat map are of {esc(first.name)}, or the next draw that tests it."
    return f"{shown}{over} {evidence.without_maps(album, cell)}".strip()
