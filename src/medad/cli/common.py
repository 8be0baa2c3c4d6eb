"""What every command shares: one line for an error, exit status 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medad.errors import MedadError


@contextmanager
def fail_on_error() -> Iterator[None]:
    """Print a MedadError, or what the system refuses, as one line and exit with status 2.

    A reader that has gone away, such as `| head`, ends the command without a word.
    """
    try:
        yield
        sys.stdout.flush()
    except MedadError as error:
        print(f"medad: {error}", file=sys.stderr, flush=True)
        raise SystemExit(2) from None
    except BrokenPipeError:
        # Python would try again to write what is left, and say that it cannot.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(2) from None
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"medad: {place}{error.strerror or error}", file=sys.stderr, flush=True)
        raise SystemExit(2) from None


def project() -> Path:
    """The project's root: the nearest folder upwards with a Snakefile and a params.yaml."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Snakefile").is_file() and (folder / "params.yaml").is_file():
            return folder
    raise MedadError(f"{here}: no Snakefile and params.yaml here or above; run inside a project")


def overrides(items: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE pairs with YAML values, as `snakemake --config` takes them."""
    import yaml

    found: dict[str, Any] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals:
            raise MedadError(f"--config: got {item!r}; write KEY=VALUE")
        try:
            found[key] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise MedadError(f"--config: {item!r} is no YAML value ({reason})") from None
    return found
