"""The first page: every table with its cells as links, and every figure."""

from __future__ import annotations

from collections.abc import Mapping

from medad.files import read_csv, write_bytes
from medad.lineage.graph import Node
from medad.reporting import sizes
from medad.reporting.published import STANDINGS
from medad.reporting.text import plain
from medad.site.album import Album
from medad.site.cell import standing_mark, verdict_mark
from medad.site.document import document, section, table
from medad.site.material import Table
from medad.site.text import column_name, esc

PATH = "index.html"
_VERDICTS = {
    "reproduced": "the paper's value lies in our interval",
    "above": "ours is above the paper's",
    "below": "ours is below the paper's",
    "not comparable": "the cell's page says why",
}


def page(album: Album, tables: list[Table]) -> str:
    """HTML of the index; copies the tables' files and the figures below the site."""
    shown = "".join(_table(album, one) for one in tables)
    shown += "".join(_sizes(album, node) for node in album.material.sizes())
    body = (
        "<h1>From any number to everything it rests on</h1>"
        '<p class="lead">Every cell below is a link: to its images, parameters, code, weights, '
        "seeds, machines and records.</p>"
        + section("tables", "Tables", (_legend() + shown) or "<p>No table has been made yet.</p>")
        + section("figures", "Figures", _figures(album))
        + section(
            "leakage",
            "Leakage",
            '<p><a class="more" href="leakage.html">Duplicates, label conflicts and what they do '
            "to the AUROC</a></p>",
        )
    )
    return document(PATH, "medad audit", [], body)


def _legend() -> str:
    standings = "".join(
        f"<div><dt>{standing_mark(name)}</dt><dd>{esc(STANDINGS[name])}</dd></div>"
        for name in STANDINGS
    )
    verdicts = "".join(
        f"<div><dt>{verdict_mark(name)}</dt><dd>{esc(text)}</dd></div>"
        for name, text in _VERDICTS.items()
    )
    return (
        '<details class="legend"><summary>How to read the marks</summary>'
        f"<dl>{standings}{verdicts}</dl></details>"
    )


def _table(album: Album, one: Table) -> str:
    params = one.params
    parts = []
    for dataset in params["datasets"]:
        for split in params["splits"]:
            parts.append(f"<h4>{esc(dataset)}, split {esc(split)}</h4>")
            parts.append(_matrix(one, dataset, split))
    notes = "".join(f"<li>{esc(note)}</li>" for note in params.get("notes", []))
    below = f'<ul class="notes">{notes}</ul>' if notes else ""
    return _article(album, one.name, one.node, f"{''.join(parts)}{below}")


def _sizes(album: Album, node: Node) -> str:
    """How many images the splits of a table hold."""
    name = str(node.manifest["identity"]["sizes"])
    path = album.material.root / node.manifest["outputs"]["csv"]["path"]
    lines = read_csv(path) if path.is_file() else []
    rows = [[esc(sizes.name(one)), *map(esc, sizes.shown(one))] for one in lines]
    return _article(album, name, node, table(name, ["images", *sizes.SHOWN], rows))


def _article(album: Album, name: str, node: Node, body: str) -> str:
    """A table under its title, with where it is from and its files, which are copied."""
    params, files = node.manifest["params"], []
    for output, text in (("csv", "CSV"), ("markdown", "Markdown")):
        source = album.material.root / node.manifest["outputs"][output]["path"]
        if source.is_file():
            target = f"tables/{source.name}"
            write_bytes(album.gallery.site / target, source.read_bytes())
            files.append(f'<a href="{esc(target)}">{text}</a>')
    return (
        f'<article id="{esc(name)}"><h3>{esc(params["title"])}</h3>'
        f'<p class="note">{esc(params["source"])} · {" · ".join(files)}</p>{body}</article>'
    )


def _matrix(one: Table, dataset: str, split: str) -> str:
    """Methods down, K across; a cell is its mean, interval, the paper's value and the verdict."""
    rows: dict[str, list[str]] = {}
    columns: dict[str, None] = {}
    for name, entry in one.entries.items():
        if (entry["dataset"], entry["split"]) == (dataset, split):
            heading = f'<span class="row">{esc(entry["row"])}</span> ' + standing_mark(
                entry["standing"]
            )
            rows.setdefault(entry["row"], [heading]).append(_cell(one, name, entry))
            columns[entry["shots"]] = None
    head = ["image AUROC", *(esc(column_name(shots)) for shots in columns)]
    return table(f"{one.name}, {dataset}, split {split}", head, rows.values(), "results")


def _cell(one: Table, name: str, entry: Mapping[str, str]) -> str:
    sd = f"<span> ± {plain(float(entry['sd']))}</span>" if entry["sd"] else ""
    low, high = plain(float(entry["low"])), plain(float(entry["high"]))
    # No paper prints a mean over K, so that there is nothing to compare.
    verdict = "" if entry["shots"] == "all" else verdict_mark(entry["verdict"])
    paper = f"<span>paper {esc(entry['paper'])}</span> " if entry["paper"] else ""
    return (
        f'<a class="cell" href="cells/{esc(one.slug(name))}.html">'
        f"<strong>{plain(float(entry['auroc']))}</strong>{sd}"
        f'<span class="interval">[{low}, {high}]</span></a>'
        f'<span class="paper">{paper}{verdict}</span>'
    )


def _figures(album: Album) -> str:
    items = []
    for figure in album.material.figures():
        file = album.gallery.copy(album.material.root / figure["path"], "figures")
        name = f"{figure['figure']}, {figure['dataset']}, split {figure['split']}"
        items.append(
            f'<li><a class="card" href="{file}"><img src="{file}" alt="{esc(name)}" '
            f'loading="lazy"><span class="caption">{esc(name)}</span></a></li>'
        )
    return f'<ul class="cards wide-cards">{"".join(items)}</ul>' if items else "<p>No figures.</p>"
