"""Folders below results/ that are made from results alone: views, which no step makes or reads."""

from __future__ import annotations

SUMMARY = "results/summary"  # the numbers of tables as DVC shows them
PAGES = "results/audit"  # the HTML pages
EVERY = (SUMMARY, PAGES)
