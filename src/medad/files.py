"""Deterministic artifact files: same content, same bytes. No pickle anywhere."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medad.errors import MedadError

if TYPE_CHECKING:
    import numpy as np
    import torch

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Digest:
    """Content digests of one file; ``md5`` is DVC's name for it."""

    sha256: str
    md5: str
    size: int


def digest(path: Path) -> Digest:
    """Both digests of a file in one pass over its bytes."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as stream:
        while block := stream.read(_CHUNK):
            sha256.update(block)
            md5.update(block)
            size += len(block)
    return Digest(sha256.hexdigest(), md5.hexdigest(), size)


def sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical_json(value: object) -> bytes:
    """One byte string per value: sorted keys, no spaces to choose, a final newline.

    Raises ValueError on NaN and infinity, which JSON cannot hold.
    """
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def write_bytes(path: Path, content: bytes) -> None:
    """Write under a temporary name beside ``path``, then rename: never half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Canonical JSON, atomically."""
    write_bytes(path, canonical_json(value))


def read_json(path: Path) -> Any:
    """Parsed JSON; MedadError naming the file when it is absent or damaged."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise MedadError(f"{path}: no such file") from error
    except (ValueError, RecursionError) as error:
        raise MedadError(f"{path}: not valid JSON ({error}); restore or delete it") from error


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """CSV with ``\\n`` line ends and exactly ``columns``, in order."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, buffer.getvalue().encode())


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file as text; MedadError where a line is not one, or has other columns."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        try:
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    expected = len(reader.fieldnames or ())
                    raise MedadError(f"{path}, line {reader.line_num}: not {expected} columns")
                rows.append(row)
            return rows
        except (UnicodeDecodeError, csv.Error) as error:
            line = reader.line_num + 1
            raise MedadError(f"{path}, line {line}: cannot be read as CSV ({error})") from error


def write_parquet(path: Path, columns: Mapping[str, Sequence[object]]) -> None:
    """Columns of equal length, in the order given."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(columns)), buffer, compression="zstd")
    write_bytes(path, buffer.getvalue().to_pybytes())


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> dict[str, list[Any]]:
    """Columns of a Parquet file, or those of some names, as Python lists; MedadError when it
    cannot be read."""
    return parse_parquet(path, str(path), columns)


def parse_parquet(
    source: Path | bytes, name: str, columns: Sequence[str] | None = None
) -> dict[str, list[Any]]:
    """Columns of a Parquet file or of its bytes; MedadError with ``name`` when it is none.

    Without threads of Arrow's: one that still runs when Python ends aborts the process. Its
    ``read_table`` has them, and imports pandas.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    place = pa.BufferReader(source) if isinstance(source, bytes) else source
    chosen = None if columns is None else list(columns)
    try:
        with ParquetFile(place, pre_buffer=False) as file:
            return dict(file.read(chosen, use_threads=False).to_pydict())
    except (OSError, pa.ArrowInvalid) as error:
        raise MedadError(f"{name}: cannot be read as Parquet ({error})") from error


def write_npz(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Deflated NPZ without pickled objects; numpy fixes the dates inside."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(arrays))
    write_bytes(path, buffer.getvalue())


def read_npz(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Arrays of an NPZ file, never unpickling."""
    import numpy as np

    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def write_safetensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: object) -> None:
    """Tensors (contiguous, on the CPU) and one JSON value that travels with them.

    One metadata key only: the format keeps several in no fixed order.
    """
    import torch
    from safetensors.torch import save

    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    if any(tensor.dtype == torch.float64 for tensor in ready.values()):
        raise MedadError(f"{path}: float64 tensors are not stored; convert to float32 first")
    text = json.dumps(metadata, sort_keys=True, separators=(",", ":"))
    write_bytes(path, save(ready, {"medad": text}))


def read_safetensors(path: Path) -> tuple[dict[str, torch.Tensor], Any]:
    """Tensors and the ``medad`` metadata value (None for a file made elsewhere)."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as archive:
            metadata = (archive.metadata() or {}).get("medad")
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise MedadError(f"{path}: cannot be read as safetensors ({error})") from error
    return tensors, None if metadata is None else json.loads(metadata)


def read_arrays(path: Path, prefix: str) -> dict[str, np.ndarray[Any, Any]]:
    """Those tensors of a safetensors file whose names begin so, without torch."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as archive:
            names = [name for name in archive.keys() if name.startswith(prefix)]  # noqa: SIM118
            return {name: archive.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise MedadError(f"{path}: cannot be read as safetensors ({error})") from error


def read_safetensors_metadata(path: Path) -> Any:
    """The ``medad`` metadata value of a safetensors file alone, without torch."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as archive:
            metadata = (archive.metadata() or {}).get("medad")
    except (SafetensorError, OSError) as error:
        raise MedadError(f"{path}: cannot be read as safetensors ({error})") from error
    return None if metadata is None else json.loads(metadata)
