"""`mirante serve` as a process: it answers on the loopback, and what it acknowledged outlives `kill -9`."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from served_squares import png, squares

from mirante.client import Client
from mirante.errors import ServiceError
from mirante.search import Gallery

pytestmark = [pytest.mark.server, pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")]
KEY = "k" * 32
COLOURS = ("black", "white", "pink", "brown")


def start(folder, *options):
    """The process, and the address that it tells."""
    command = [sys.executable, "-m", "mirante", "serve", "--config", str(folder / "service.toml"), "--json", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "MIRANTE_KEY": KEY}
    )
    told = ""
    for line in process.stdout:
        told += line
        if line == "}\n":
            break
    assert told, process.stderr.read()
    return process, json.loads(told)["url"]


@pytest.fixture
def folder(tmp_path):
    """Squares, and a configuration with one key that opens everything."""
    squares(tmp_path / "squares")
    text = f"""
        port = 0
        indexes = {{squares = "{tmp_path / "squares"}"}}
        keys = [{{variable = "MIRANTE_KEY", scopes = ["search", "write"]}}]
    """
    (tmp_path / "service.toml").write_text(text, encoding="utf-8")
    return tmp_path


def write_until_killed(url, done):
    """Add items one after the other; `done` gets each that was acknowledged."""
    with Client(url, KEY) as client:
        for at in range(10_000):
            name = f"item {at}"
            try:
                client.add(name, image=png(COLOURS[at % 4]), captions=[name])
            except ServiceError:
                return
            done.append(name)


def test_killed_while_it_writes_it_keeps_every_acknowledged_item(folder):
    done = []
    process, url = start(folder)
    writer = threading.Thread(target=write_until_killed, args=(url, done))
    writer.start()
    while len(done) < 5 and writer.is_alive():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    writer.join(60)
    process.stdout.close()
    process.stderr.close()
    assert len(done) >= 5

    gallery = Gallery.open(folder / "squares")
    entries = {name: gallery.entry(name) for name in done}
    assert [name for name, entry in entries.items() if entry is None] == []
    assert all(Path(one.path).read_bytes() == png(COLOURS[at % 4]) for at, one in enumerate(entries.values()))
    assert len(gallery) in (3 + len(done), 4 + len(done)), "the one under way is there whole, or not at all"

    process, url = start(folder)
    with Client(url, KEY) as client:
        assert client.ready()
        assert client.indexes()[0].count == len(gallery)
        assert client.add("after", image=png("black")).count == len(gallery) + 1
        assert {"after", "item 0"} <= {hit.id for hit in client.search("black", k=100).hits}
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    requests = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert [one["status"] for one in requests if one["route"] == "/v1/items"] == [201]
    assert KEY not in log


def test_a_taken_port_and_a_missing_key_are_one_message(folder, monkeypatch):
    command = [sys.executable, "-m", "mirante", "serve", "--config", str(folder / "service.toml")]
    environment = {name: value for name, value in os.environ.items() if name != "MIRANTE_KEY"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("mirante: The environment variable 'MIRANTE_KEY' holds 0 characters")
    process, url = start(folder)
    port = url.rpartition(":")[2]
    done = subprocess.run(
        [*command, "--port", port], env={**os.environ, "MIRANTE_KEY": KEY}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"Nothing can be served at 127.0.0.1:{port}" in done.stderr
    process.terminate()
    process.communicate(timeout=60)
