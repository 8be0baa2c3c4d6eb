"""Which source files a result depends on: the import closure inside medad, read statically."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# What decides, schedules or records a computation but is never part of one.
OUTSIDE = (
    *("cli", "config", "figure_parameters", "layout", "lineage"),
    *("parameters", "plan", "registry", "tracking"),
    "__main__",
)


def closure(roots: Iterable[str]) -> dict[str, str]:
    """Package-relative file -> sha256 of its source, for every module reachable from ``roots``.

    Imports inside functions count. Raises ValueError when a result would depend on a module of
    ``OUTSIDE``: its edits would change results without changing keys.
    """
    files: dict[str, str] = {}
    pending = list(roots)
    seen: set[str] = set()
    while pending:
        module = pending.pop()
        if module in seen:
            continue
        seen.add(module)
        if module.split(".")[1] in OUTSIDE:
            raise ValueError(f"{module} is outside every closure, yet a step's code imports it")
        path = _file(module)
        relative = path.relative_to(PACKAGE).as_posix()
        files[relative], imports = _source(path)
        pending.extend(imports)
    return dict(sorted(files.items()))


def module_of(spec: str) -> str:
    """The module of a "module:attribute" string."""
    return spec.partition(":")[0]


@cache
def _source(path: Path) -> tuple[str, tuple[str, ...]]:
    content = path.read_bytes()
    found: set[str] = set()
    for node in ast.walk(ast.parse(content, filename=str(path))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update(name for name in submodules if _exists(name))
            if not all(_exists(name) for name in submodules):
                found.add(node.module)
    inside = {name for name in found if name.startswith("medad.") and _exists(name)}
    return hashlib.sha256(content).hexdigest(), tuple(sorted(inside))


def _exists(module: str) -> bool:
    if not module.startswith("medad."):
        return False
    base = PACKAGE.joinpath(*module.split(".")[1:])
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()


def _file(module: str) -> Path:
    base = PACKAGE.joinpath(*module.split(".")[1:])
    package = base / "__init__.py"
    return package if package.is_file() else base.with_suffix(".py")
