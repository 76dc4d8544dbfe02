"""Load a service: 64 clients at once for a minute, batched and one by one, in the same run.

    python benchmarks/serve.py [--clients 64] [--seconds 60] [--rows 10000] [--model scenes] [--swaps 5]

The service runs as a process of its own, over a gallery of random unit rows with the embedded model, so that texts are
really encoded; the clients are threads of another process. Each asks again as soon as it has an answer. Measured, one
after the other:

- `batched`: as the service comes;
- `one by one`: the same with `batch = 1` and `wait_ms = 0`, the peer of the ratio;
- `swapped`: as the first, while the index is exchanged again and again.

Said are answers a second, the median and the 99th percentile of the time to an answer, and how many answers were other
than 200. Where the clients share processors with the service, both pay: the ratio is of what a whole machine gives.
Prints one line for people a case, and one JSON document.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np

from mirante import encoders
from mirante.search import Entry, Gallery
from mirante.types import Embeddings

KEY = "benchmark-" + "k" * 22
GOALS = {"p99 over p50": 5.0, "batched over one by one": 2.0}
WORDS = ("a yellow star at night", "two red fish", "a cat on the beach", "a rocket above a tree", "a small blue house")


def main() -> None:
    """Measure, and print."""
    wanted = arguments()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        for name in ("one", "two"):
            gallery(root / name, wanted.rows, wanted.model)
        cases = {
            "batched": measured(root, wanted, ""),
            "one by one": measured(root, wanted, "batch = 1\nwait_ms = 0\n"),
            "swapped": measured(root, wanted, "", swaps=wanted.swaps),
        }
    ratio = cases["batched"]["rate"] / max(cases["one by one"]["rate"], 1e-9)
    for name, one in cases.items():
        print(
            f"{name}: {one['rate']:.0f} answers/s, p50 {one['p50'] * 1000:.0f} ms, p99 {one['p99'] * 1000:.0f} ms "
            f"({one['p99'] / one['p50']:.1f} ×), statuses {one['statuses']}, swaps {one['swaps']}"
        )
    print(f"batched over one by one: {ratio:.2f} ×")
    document = {"clients": wanted.clients, "seconds": wanted.seconds, "rows": wanted.rows, "goals": GOALS}
    print(json.dumps({**document, "processors": os.cpu_count(), "ratio": ratio, "cases": cases}))


def arguments() -> argparse.Namespace:
    """The sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--model", default="scenes")
    parser.add_argument("--swaps", type=int, default=5, help="exchanges of the index during the last case")
    return parser.parse_args()


def gallery(folder: Path, rows: int, model: str) -> None:
    """Random unit rows that the model could have made."""
    encoder = encoders.load(model)
    drawn = np.random.default_rng(0).normal(size=(rows, encoder.dim))
    unit = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    ids = tuple(f"row-{at}" for at in range(rows))
    Gallery.create(folder, "exact", Embeddings(ids, unit, encoder.provenance), [Entry(one, (one,)) for one in ids])


def measured(root: Path, wanted: argparse.Namespace, limits: str, swaps: int = 0) -> dict[str, Any]:
    """One service under load: answers a second, times and statuses."""
    config = root / "service.toml"
    config.write_text(
        f'port = 0\nindexes = {{rows = "{root / "one"}"}}\n[[keys]]\nvariable = "BENCHMARK_KEY"\n'
        f'scopes = ["search", "admin"]\n[limits]\n{limits}',
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "mirante", "serve", "--config", str(config), "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "BENCHMARK_KEY": KEY}
    ) as process:
        try:
            url = address(process)
            ask(url, 1, 0.5)  # the first calls of a model are slow
            with get_context("spawn").Pool(1) as pool:
                start = time.perf_counter()
                load = pool.apply_async(ask, (url, wanted.clients, wanted.seconds))
                done = swap(url, root, swaps, wanted.seconds)
                seen = load.get()
            return {**said(seen, time.perf_counter() - start, wanted.seconds), "swaps": done}
        finally:
            process.terminate()


def address(process: "subprocess.Popen[str]") -> str:
    """Where the service listens, as it says itself."""
    told = ""
    for line in process.stdout or ():
        told += line
        if line == "}\n":
            break
    return str(json.loads(told)["url"])


def ask(url: str, clients: int, seconds: float) -> list[tuple[int, float]]:
    """(status, seconds) of every answer that `clients` threads got, each with a connection of its own."""
    together = Barrier(clients)

    def one(at: int) -> list[tuple[int, float]]:
        seen: list[tuple[int, float]] = []
        head = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=60)) as client:
            client.connect()
            together.wait()
            end = time.perf_counter() + seconds
            while (start := time.perf_counter()) < end:
                client.request("POST", "/v1/search", json.dumps({"text": f"{WORDS[at % 5]} {at} {len(seen)}"}), head)
                answer = client.getresponse()
                answer.read()
                seen.append((answer.status, time.perf_counter() - start))
        return seen

    with ThreadPoolExecutor(clients) as pool:
        return [found for each in pool.map(one, range(clients)) for found in each]


def swap(url: str, root: Path, swaps: int, seconds: float) -> int:
    """Exchange the index now and then; how often it was done."""
    done = 0
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as client:
        for at in range(swaps):
            time.sleep(seconds / (swaps + 1))
            folder = str(root / ("two", "one")[at % 2])
            done += client.post("/v1/indexes/rows/swap", json={"folder": folder}).status_code == 200
    return done


def said(seen: list[tuple[int, float]], wall: float, seconds: float) -> dict[str, Any]:
    """The figures of one case; times are those of good answers."""
    times = sorted(taken for status, taken in seen if status == 200)
    if not times:
        sys.exit(f"No answer within {seconds:g} s: this machine is too busy, give more --seconds.")
    return {
        "rate": len(times) / seconds,
        "p50": median(times),
        "p99": times[min(len(times) - 1, int(0.99 * len(times)))],
        "statuses": dict(Counter(status for status, _ in seen)),
        "wall": wall,
    }


if __name__ == "__main__":
    main()
