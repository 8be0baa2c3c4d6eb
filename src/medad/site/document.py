"""The frame of every page, and the small pieces of HTML that pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medad.site.text import esc

MARKER = "page.json"  # tells a folder of this site from any other
# Nothing is fetched from anywhere: `file:` where the site is opened from a folder, `'self'` where
# somebody serves it.
POLICY = (
    "default-src 'none'; img-src 'self' file:; style-src 'self' file:; script-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Crumb:
    """One step of the way to a page; ``target`` is relative to the site's root."""

    text: str
    target: str


def document(path: str, title: str, crumbs: Sequence[Crumb], body: str) -> str:
    """A whole page that lies at ``path`` below the site's root. ``body`` is HTML."""
    up = root_of(path)
    trail = "".join(
        f'<li><a href="{up}{esc(crumb.target)}">{esc(crumb.text)}</a></li>' for crumb in crumbs
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="medad page">
<title>{esc(title)}</title>
<link rel="icon" href="{up}icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{up}style.css">
<script src="{up}script.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top"><div class="wide">
<a class="brand" href="{up}index.html">medad <span>audit</span></a>
<nav aria-label="Site"><a href="{up}index.html#tables">Tables</a>
<a href="{up}index.html#figures">Figures</a> <a href="{up}leakage.html">Leakage</a></nav>
</div></header>
<main id="main" class="wide" tabindex="-1">
<nav class="crumbs" aria-label="Breadcrumb"><ol>{trail}</ol></nav>
{body}
</main>
<footer class="wide"><p>Made by <code>medad page</code> from the manifests, records and results of
this project. Nothing on these pages is loaded from elsewhere.</p></footer>
</body>
</html>
"""


def root_of(path: str) -> str:
    """From a page to the site's root: "" or "../" as often as needed."""
    return "../" * path.count("/")


def section(name: str, title: str, body: str, note: str = "") -> str:
    """A part of a page with a heading that can be linked to; ``note`` is HTML."""
    below = f'<p class="note">{note}</p>' if note else ""
    return (
        f'<section id="{esc(name)}" aria-labelledby="{esc(name)}-title">'
        f'<h2 id="{esc(name)}-title">{esc(title)}</h2>{below}{body}</section>'
    )


def contents(entries: Iterable[tuple[str, str]]) -> str:
    """Links to the sections of a page."""
    items = "".join(f'<li><a href="#{esc(name)}">{esc(title)}</a></li>' for name, title in entries)
    return f'<nav class="contents" aria-label="On this page"><ul>{items}</ul></nav>'


def table(
    label: str, head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "plain"
) -> str:
    """A table that scrolls in its own box. ``head`` and ``rows`` are HTML; the first column of
    every row is its heading."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    lines = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{c}</td>" for c in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" aria-label="{esc(label)}" tabindex="0">'
        f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names (text) and values (HTML) below each other."""
    return (
        '<dl class="facts">'
        + "".join(f"<div><dt>{esc(name)}</dt><dd>{value}</dd></div>" for name, value in pairs)
        + "</dl>"
    )


def details(summary: str, body: str, *, open_: bool = False) -> str:
    """A part that opens on demand; both are HTML."""
    return f"<details{' open' if open_ else ''}><summary>{summary}</summary>{body}</details>"


def command(line: str) -> str:
    """A shell command with a button that copies it."""
    return (
        f'<div class="command"><pre tabindex="0"><code>{esc(line)}</code></pre>'
        '<button type="button" class="copy">Copy</button></div>'
    )
