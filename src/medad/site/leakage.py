"""The page of what leaks: copies within and across the parts of a split, labels that disagree,
and what copies do to the AUROC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from medad import layout
from medad.files import read_json
from medad.lineage import leaks
from medad.reporting.text import plain, signed
from medad.site.album import Album, label_name, panel
from medad.site.document import Crumb, contents, details, document, facts, section, table
from medad.site.material import Material, Table
from medad.site.text import code, column_name, digest, esc, plural, slug

PATH = "leakage.html"
_OPEN = 12  # groups that are listed without asking


def page(album: Album, tables: list[Table]) -> str:
    """HTML of the leakage page: one section a split."""
    places = album.material.splits
    sections = [
        (slug(dataset, split), f"{dataset}, split {split}", _split(album, tables, dataset, split))
        for dataset, split in places
    ]
    body = (
        "<h1>Leakage</h1>"
        '<p class="lead">Copies of one image are one leakage group: byte-identical files, and '
        "near copies by correlation. A copy of a shot among the test images makes a test easier; "
        "two labels for one picture make it wrong.</p>"
        + contents((name, title) for name, title, _ in sections)
        + "".join(section(name, title, inner) for name, title, inner in sections)
    )
    return document(PATH, "Leakage", [Crumb("Tables", "index.html")], body)


def report(material: Material, dataset: str, split: str) -> Mapping[str, Any]:
    """What is known of a split's copies, as its step wrote it."""
    place = {"dataset": dataset, "split": split}
    return dict(read_json(material.root / layout.output("split", place, "leakage")))


def _split(album: Album, tables: list[Table], dataset: str, split: str) -> str:
    found = report(album.material, dataset, split)
    return (
        _summary(found)
        + _sizes(found)
        + _effect(album, tables, dataset, split)
        + _groups(album, found, dataset, split)
    )


def _summary(found: Mapping[str, Any]) -> str:
    pairs = [
        (f"copies across {pair.replace('/', ' and ')}", _verdict(int(count)))
        for pair, count in found["across"].items()
    ]
    pairs.append(("groups with both labels", _verdict(len(found["conflicting"]))))
    pairs.append(("unused images", f"{int(found['unused']):,}"))
    return facts(pairs)


def _verdict(count: int) -> str:
    kind = "below" if count else "reproduced"
    return f'<span class="mark {kind}">{plural(count, "group") if count else "none"}</span>'


def _sizes(found: Mapping[str, Any]) -> str:
    rows = []
    for role, held in found["sizes"].items():
        within = {name: int(found["within"][role][name]) for name in ("groups", "images")}
        rows.append(
            (
                esc(role),
                *(f"{int(held[name]):,}" for name in ("images", "healthy", "anomalous", "groups")),
                f"{within['groups']:,} <small>{plural(within['images'], 'image')}</small>",
            )
        )
    head = ["part", "images", "healthy", "anomalous", "groups", "groups with copies"]
    return "<h3>Parts and the copies within them</h3>" + table(
        "Parts of the split", head, rows, "plain numbers"
    )


def _effect(album: Album, tables: list[Table], dataset: str, split: str) -> str:
    rows = list(_effects(album.material, tables, dataset, split))
    if not rows:
        return ""
    head = [
        "cell",
        "AUROC, all test images",
        "without copies of the draw's own shots",
        "difference",
        "every group once",
    ]
    return "<h3>What copies do to the AUROC</h3>" + table(
        "Effect on the AUROC", head, rows, "plain numbers"
    )


def _effects(
    material: Material, tables: list[Table], dataset: str, split: str
) -> Iterator[tuple[str, ...]]:
    for one in tables:
        place = {"dataset": dataset, "split": split, "table": one.name}
        intervals = material.root / layout.output("intervals", place, "intervals")
        own = [
            (name, entry)
            for name, entry in one.entries.items()
            if (entry["dataset"], entry["split"]) == (dataset, split)
        ]
        levels = read_json(intervals)["levels"] if own else {}
        for name, entry in own:
            level = levels[entry["method"]][entry["shots"]]
            link = f"cells/{one.slug(name)}.html"
            yield (
                f'<a href="{link}">{esc(entry["row"])}, {esc(column_name(entry["shots"]))}</a> '
                f"<small>{esc(one.name)}</small>",
                plain(float(level["auroc"])),
                plain(float(level["value"])),
                signed(float(level["value"]) - float(level["auroc"])),
                plain(float(entry["auroc_grouped"])),
            )


def _groups(album: Album, found: Mapping[str, Any], dataset: str, split: str) -> str:
    conflicting = set(found["conflicting"])
    ordered = sorted(
        found["repeated"], key=lambda item: (item["group"] not in conflicting, item["group"])
    )
    items = [_group(album, dataset, split, item, item["group"] in conflicting) for item in ordered]
    if not items:
        return "<h3>Groups of copies</h3><p>None.</p>"
    rest = items[_OPEN:]
    more = details(plural(len(rest), "further group"), f'<ul class="groups">{"".join(rest)}</ul>')
    return (
        f"<h3>Groups of copies <small>{len(items)}</small></h3>"
        f'<ul class="groups">{"".join(items[:_OPEN])}</ul>' + (more if rest else "")
    )


_KINDS = {"exact": "byte-identical", "near": "near copies"}


def _group(
    album: Album, dataset: str, split: str, item: Mapping[str, Any], conflicting: bool
) -> str:
    rows = album.material.index(dataset)
    parts = album.material.split(dataset, split)
    members = []
    for path in item["paths"]:
        row = rows[path]
        roles = [role for role in ("pool", "validation", "test") if parts[path][role]]
        told = f"{label_name(row['label'])}, {' and '.join(roles) or 'unused'}"
        link = album.page_of(row["sha256"], path)
        inner = f"{code(path)} {digest(row['sha256'])} <small>{told}</small>"
        if link:
            picture = album.picture(dataset, path, row["sha256"])
            inner = f'<a href="{link}">{panel(picture, "", path)} <span>{inner}</span></a>'
        members.append(f"<li>{inner}</li>")
    kinds = leaks.kinds((path, rows[path]["sha256"]) for path in item["paths"])
    kind = " and ".join(_KINDS.get(name, name) for name in kinds)
    mark = ' <span class="mark below">both labels</span>' if conflicting else ""
    return (
        f"<li><h4>Group {esc(item['group'])} <small>{kind}</small>{mark}</h4>"
        f'<ul class="names">{"".join(members)}</ul></li>'
    )
