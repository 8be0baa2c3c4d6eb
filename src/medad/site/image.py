"""The page of one image: what it is, where it was a shot, and how every draw scored it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from medad.site import text
from medad.site.album import Album, Featured, label_name, panel
from medad.site.document import Crumb, contents, document, facts, section, table
from medad.site.examples import KINDS, ranks
from medad.site.material import Cell, Row, Run
from medad.site.text import code, esc, size

_UP = "../"
Key = tuple[str, str]  # data set and path


def pages(album: Album) -> Iterable[tuple[str, str]]:
    """(path below the site's root, HTML) of every image that some page links to."""
    scored = _scored(album)
    shots = _shots(album)
    for name, keys in sorted(album.shown.items()):
        path = f"images/{name}.html"
        yield path, _page(path, album, keys, scored, shots)


def _page(
    path: str,
    album: Album,
    keys: list[Key],
    scored: dict[Key, list[tuple[Cell, Run, int, int, float]]],
    shots: dict[Key, list[tuple[Cell, Run]]],
) -> str:
    # Byte-identical files are one image with several names.
    first = keys[0]
    row = album.material.index(first[0])[first[1]]
    picture = album.picture(first[0], first[1], row["sha256"])
    large = f'<div class="large">{panel(picture, _UP, first[1])}</div>'
    parts = [("about", "What it is", _about(album, keys), "")]
    parts.append(("shown", "Where it is shown", _shown(album, keys), ""))
    parts.append(
        ("heat", "Heat maps", _heats(album, keys), "One of each method, K and draw shown.")
    )
    parts.append(("shot", "Draws that used it as a shot", _used(shots, keys), ""))
    parts.append(
        (
            "scores",
            "Score and rank in each draw",
            _table(scored, keys),
            "Rank 1 is the most anomalous of the images with this role in that draw.",
        )
    )
    filled = [part for part in parts if part[2]]
    body = (
        f'<h1 class="name"><bdi>{esc(first[1])}</bdi></h1>'
        f'<p class="lead">{label_name(row["label"])} image of {esc(first[0])}</p>'
        f"{large}"
        + contents((name, title) for name, title, _, _ in filled)
        + "".join(section(name, title, inner, note) for name, title, inner, note in filled)
    )
    crumbs = [Crumb("Tables", "index.html")]
    return document(path, first[1], crumbs, body)


def _about(album: Album, keys: list[Key]) -> str:
    return "".join(
        facts(_facts(album, dataset, album.material.index(dataset)[path])) for dataset, path in keys
    )


def _facts(album: Album, dataset: str, row: Row) -> list[tuple[str, str]]:
    copies = [
        other
        for other in album.material.index(dataset).values()
        if other["group"] == row["group"] and other["path"] != row["path"]
    ]
    found = [
        ("data set", esc(dataset)),
        ("path", code(row["path"])),
        ("sha256", code(row["sha256"])),
        ("size", f"{esc(row['width'])} × {esc(row['height'])} pixels, {size(int(row['size']))}"),
        ("label", label_name(row["label"])),
        ("mask", _mask(album, dataset, row)),
        ("role", _roles(album, dataset, row["path"])),
        ("leakage group", esc(row["group"])),
        ("copies", _copies(album, copies)),
    ]
    return [*found, ("flags", esc(row["flags"]))] if row["flags"] else found


def _mask(album: Album, dataset: str, row: Row) -> str:
    if not row["mask"]:
        return "none"
    hidden = album.picture(dataset, row["path"], row["sha256"]).no_outline
    return code(row["mask"]) + (f" <small>{esc(hidden)}</small>" if hidden else "")


def _roles(album: Album, dataset: str, path: str) -> str:
    found = []
    for own, split in album.material.splits:
        flags = album.material.split(dataset, split).get(path) if own == dataset else None
        if flags is not None:
            roles = [role for role in ("pool", "validation", "test") if flags[role]]
            found.append(
                f"{esc(' and '.join(roles) or 'unused')} <small>split {esc(split)}</small>"
            )
    return "<br>".join(found)


def _copies(album: Album, copies: list[Row]) -> str:
    items = []
    for row in copies:
        link = album.page_of(row["sha256"], row["path"])
        text = code(row["path"])
        inner = f'<a href="{_UP}{link}">{text}</a>' if link else text
        items.append(f"<li>{inner} <small>{label_name(row['label'])}</small></li>")
    return f'<ul class="names">{"".join(items)}</ul>' if items else "none known"


def _shown(album: Album, keys: list[Key]) -> str:
    """Links back: every cell that shows it, and as what."""
    reasons: dict[str, tuple[Cell, list[str]]] = {}
    for key in keys:
        for one in album.featured[key]:
            reasons.setdefault(one.cell.slug, (one.cell, []))[1].append(KINDS[one.kind][0].lower())
        for cell in album.shots[key]:
            reasons.setdefault(cell.slug, (cell, []))[1].append("shot")
    items = "".join(
        f'<li><a href="{_UP}{esc(cell.page)}" data-cell="{esc(slug)}">{esc(cell.title)}</a> '
        f"<small>{esc(cell.table)}, {esc(cell.dataset)}, {esc(cell.split)}: "
        f"{esc(', '.join(dict.fromkeys(why)))}</small></li>"
        for slug, (cell, why) in sorted(reasons.items(), key=lambda item: item[0])
    )
    return f'<ul class="names">{items}</ul>'


def _heats(album: Album, keys: list[Key]) -> str:
    shown: dict[str, tuple[Featured, Key]] = {}
    for key in keys:
        for one in album.featured[key]:
            if one.heat:
                shown.setdefault(one.heat, (one, key))
    cards = []
    for heat, (one, (dataset, path)) in shown.items():
        row = album.material.index(dataset)[path]
        picture = album.picture(dataset, path, row["sha256"])
        if picture.file:
            what = f"{one.cell.entry['row']}, {one.run.name}"
            cards.append(
                f'<li><a class="card" href="{_UP}{esc(one.cell.page)}">'
                f"{panel(picture, _UP, f'heat map of {what}', heat)}"
                f'<span class="caption">{esc(what)}</span></a></li>'
            )
    return f'<ul class="cards small">{"".join(cards)}</ul>' if cards else ""


def _shots(album: Album) -> dict[Key, list[tuple[Cell, Run]]]:
    """The draws that used an image, each once, whatever the method."""
    found: dict[Key, dict[str, tuple[Cell, Run]]] = defaultdict(dict)
    for cell, run in album.runs.values():
        for image in run.draw:
            found[cell.dataset, image["path"]].setdefault(
                f"{cell.split}/{run.k:04}/{run.r:04}", (cell, run)
            )
    return {key: [draws[name] for name in sorted(draws)] for key, draws in found.items()}


def _used(shots: dict[Key, list[tuple[Cell, Run]]], keys: list[Key]) -> str:
    items = [
        f"<li>{esc(run.name)} <small>split {esc(cell.split)}</small></li>"
        for key in keys
        for cell, run in shots.get(key, [])
    ]
    return f'<ul class="names columns">{"".join(items)}</ul>' if items else "<p>None.</p>"


def _scored(album: Album) -> dict[Key, list[tuple[Cell, Run, int, int, float]]]:
    """Key -> (cell, run, rank, of how many, score) of the images that have a page."""
    wanted = {key for keys in album.shown.values() for key in keys}
    found: dict[Key, list[tuple[Cell, Run, int, int, float]]] = defaultdict(list)
    for cell, run in album.runs.values():
        scores = album.material.scores(run)
        for role in ("test", "validation"):
            part = scores.take(scores.rows(role))
            if not len(part):
                continue
            for path, rank, score in zip(
                part.path.tolist(), ranks(part.score).tolist(), part.score.tolist(), strict=True
            ):
                if (cell.dataset, path) in wanted:
                    found[cell.dataset, path].append((cell, run, rank, len(part), score))
    return found


def _table(scored: dict[Key, list[tuple[Cell, Run, int, int, float]]], keys: list[Key]) -> str:
    lines = [line for key in keys for line in scored.get(key, [])]
    if not lines:
        return "<p>No draw scored it: it was only drawn from.</p>"
    draws = sorted({run.r for _, run, _, _, _ in lines})
    rows: dict[tuple[str, str, int], dict[int, str]] = defaultdict(dict)
    links: dict[tuple[str, str, int], Cell] = {}
    for cell, run, rank, of, score in lines:
        key = (cell.split, cell.entry["row"], run.k)
        rows[key][run.r] = f"<strong>{rank}</strong> of {of} <small>{text.score(score)}</small>"
        links[key] = cell
    body = [
        (
            f'<a href="{_UP}{esc(links[key].page)}">{esc(key[1])}, K = {key[2]}</a> '
            f"<small>{esc(links[key].dataset)}, {esc(key[0])}</small>",
            *(rows[key].get(draw, "<small>not scored</small>") for draw in draws),
        )
        for key in sorted(rows)
    ]
    head = ["method", *(f"draw {draw}" for draw in draws)]
    return table("Scores of this image", head, body, "plain numbers")
