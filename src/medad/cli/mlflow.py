"""`medad mlflow [--port P] [--host H]`: MLflow's pages on this project's runs, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence

from medad.cli.common import project
from medad.errors import MedadError
from medad.tracking.state import artifact_root, sqlite_file, store_uri

# MLflow's server would also start workers for jobs that are none of ours.
_PAGES_ALONE = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="medad mlflow", description=__doc__)
    parser.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine alone")
    options = parser.parse_args(arguments)
    root = project()
    uri = store_uri(root)
    if uri.startswith(("http://", "https://")):
        print(f"MLFLOW_TRACKING_URI is a server; its pages are at {uri}")
        return 0
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        raise MedadError(f"{file}: no MLflow store yet; run `snakemake --cores 8` or `medad track`")
    _require_free(options.host, options.port)
    print(f"http://{options.host}:{options.port} (Ctrl-C ends it)", flush=True)
    command = [
        *(sys.executable, "-m", "mlflow", "ui", "--workers", "1"),
        *("--backend-store-uri", uri, "--default-artifact-root", artifact_root(root)),
        *("--host", options.host, "--port", str(options.port)),
    ]
    environment = {**os.environ, **_PAGES_ALONE}
    return os.execve(sys.executable, command, environment)


def _require_free(host: str, port: int) -> None:
    """MedadError when nothing can listen there; MLflow would end with a long traceback."""
    if not 0 < port < 65536:
        raise MedadError(f"--port: got {port}; allowed: 1 to 65535")
    try:
        place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(place[0], place[1]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place[4])
    except OSError as error:
        raise MedadError(f"{host}:{port}: {error}; choose others with --host and --port") from error
