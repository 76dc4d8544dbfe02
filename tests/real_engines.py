"""Real engines for the tests: PostgreSQL with pgvector, and Milvus Lite in this process and behind a socket."""

import os
import socket
import subprocess
import sysconfig
from pathlib import Path

import pytest

from mirante.indexes import kinds

FILES = tuple(one for one in kinds() if not one.startswith(("milvus", "pgvector")))
"""Kinds whose rows lie in files."""
REMOTE = tuple(one for one in kinds() if one not in FILES)
"""Kinds of real engines."""
CASES = [
    pytest.param(one, marks=pytest.mark.server)
    for one in (*REMOTE, *(f"{one}@server" for one in REMOTE if one.startswith("milvus")))
]
"""Milvus is embedded in this process, and once more behind a socket."""


class MilvusServer:
    """`milvus-lite server` on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.folder, self.port, self.uri = folder, port, f"http://127.0.0.1:{port}"

    def __enter__(self):
        program = Path(sysconfig.get_path("scripts")) / "milvus-lite"
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [program, "server", "--data-dir", self.folder / "data", "--host", "127.0.0.1", "--port", self.port],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        assert b"listening" in self.process.stdout.readline(), (self.folder / "log").read_text()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
