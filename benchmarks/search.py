"""Search clustered vectors: `--kind auto --recall 0.98` beside raw faiss, in the same run.

    python benchmarks/search.py [--rows 1000000] [--dim 512] [--recall 0.98] [--queries 1000] [--repeats 5]

Rows stand around random centres, some 200 to each; queries are drawn anew around the same centres, and none of them was
seen when the index was tuned. In the same run, one after the other and again:

- ours: the index that `auto` builds, saved, opened again and asked one query at a time, then all at once;
- the peer `flat`: faiss' own IndexFlatIP over the same rows, which is the truth that recall is counted against;
- the peer `lists`: faiss' own search of the very lists that ours saved, with as many of them searched; without exact
  scores in float64, ties by id, or names of rows.

Times of one query are medians over `--repeats` rounds of 100 queries; the least of the rounds' medians, which is what a
machine gives that others do not disturb, is told as well. Opening is timed in a process of its own, from the call to
the opened gallery, catalogue included. Prints one line for people and one JSON document.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import faiss
import numpy as np

from mirante import environment
from mirante.indexes import Built, build_index
from mirante.search import Entry, Gallery
from mirante.types import Embeddings, Provenance

GOALS = {"milliseconds": 5.0, "recall": 0.98, "opening_seconds": 1.0}
MADE = Provenance("random clusters", "seed 0", "none")
K = 10
OPEN = """
import sys, time
from pathlib import Path
from mirante.search import Gallery
import faiss
start = time.perf_counter()
gallery = Gallery.open(Path(sys.argv[1]))
print(time.perf_counter() - start, len(gallery))
"""


def main() -> None:
    """Measure, and print."""
    wanted = arguments()
    random = np.random.default_rng(0)
    centres = random.standard_normal((max(1, wanted.rows // 200), wanted.dim), dtype=np.float32)
    rows, queries = around(centres, wanted.rows, random), around(centres, wanted.queries, random)
    ids = tuple(f"images/{at:09}.jpg" for at in range(wanted.rows))
    with tempfile.TemporaryDirectory(dir=wanted.folder) as made:
        folder = Path(made) / "index"
        start = time.perf_counter()
        built = build_index("auto", Embeddings(ids, rows, MADE), recall=wanted.recall, memory=environment.memory()[1])
        seconds = time.perf_counter() - start
        told = saved(folder, built, Embeddings(ids, rows, MADE))
        del built
        opening = sorted(opened(folder) for _ in range(wanted.repeats))
        gallery = Gallery.open(folder)
        index = gallery._state.index
        flat = faiss.IndexFlatIP(wanted.dim)
        flat.add(rows)
        works: dict[str, Callable[[Any], Any]] = {
            "ours": lambda one: index.search(one, K),
            "flat": lambda one: flat.search(one, K),
        }
        file = folder / gallery.manifest.generation / "faiss.index"
        searched = int(gallery.manifest.index.get("lists_searched", 0))
        if searched:
            lists = faiss.read_index(str(file))
            parameters = faiss.SearchParametersIVF(nprobe=searched)
            works["lists"] = lambda one: lists.search(one, K, params=parameters)
        times = {name: [rounds(work, queries, at) for at in range(wanted.repeats)] for name, work in works.items()}
        batched = {name: timed(lambda work=work: work(queries)) for name, work in works.items()}
        truth = flat.search(queries, K)[1]
        found = index.search(queries, K)[0]
    recall = float(
        np.mean([len({ids[at] for at in row} & set(one)) / K for row, one in zip(truth, found, strict=True)])
    )
    figures = {
        "build_seconds": round(seconds, 1),
        "opening_seconds": round(median(opening), 3),
        "recall": round(recall, 4),
        "milliseconds": {name: round(median(each), 3) for name, each in times.items()},
        "milliseconds_undisturbed": {name: round(min(each), 3) for name, each in times.items()},
        "milliseconds_batched": {name: round(1000 * each / wanted.queries, 3) for name, each in batched.items()},
    }
    print(*said(wanted, figures, told), sep="\n")


def arguments() -> argparse.Namespace:
    """The sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--recall", type=float, default=0.98)
    parser.add_argument("--queries", type=int, default=1000, help="fresh ones")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the index is written; by default where temporary files go")
    return parser.parse_args()


def around(centres: Any, count: int, random: np.random.Generator) -> Any:
    """(count, d) unit rows, each near a centre drawn at random: 0.7 of its length away."""
    rows = np.empty((count, centres.shape[1]), np.float32)
    for start in range(0, count, 65536):
        part = rows[start : start + 65536]
        part[:] = random.standard_normal(part.shape, dtype=np.float32) * np.float32(0.7)
        part += centres[random.integers(len(centres), size=len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return rows


def saved(folder: Path, built: Built, rows: Embeddings) -> dict[str, Any]:
    """Write the gallery; how the index came to be."""
    Gallery.create(folder, built.kind, rows, map(Entry, rows.ids), made=built.index)
    attempts = [asdict(one) for one in built.attempts]
    return {"choice": asdict(built.choice), "attempts": attempts, "index": dict(built.index.describe())}


def opened(folder: Path) -> float:
    """Seconds to open the gallery in a new process."""
    done = subprocess.run([sys.executable, "-c", OPEN, str(folder)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[0])


def rounds(work: Callable[[Any], Any], queries: Any, at: int) -> float:
    """Median milliseconds of 100 queries asked one at a time; other ones in each round."""
    chosen = np.roll(np.arange(len(queries)), -100 * at)[:100]
    return median(1000 * timed(lambda one=one: work(queries[one : one + 1])) for one in chosen.tolist())


def timed(work: Callable[[], Any]) -> float:
    """Seconds that the work took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def said(wanted: argparse.Namespace, figures: dict[str, Any], told: dict[str, Any]) -> tuple[str, str]:
    """One line for people, one JSON document."""
    times = figures["milliseconds"]
    ratios = {name: round(times["ours"] / each, 3) for name, each in times.items() if name != "ours"}
    reached = {
        "milliseconds": times["ours"] <= GOALS["milliseconds"],
        "recall": figures["recall"] >= GOALS["recall"],
        "opening_seconds": figures["opening_seconds"] < GOALS["opening_seconds"],
    }
    sizes = {"rows": wanted.rows, "dim": wanted.dim, "queries": wanted.queries, "rounds": wanted.repeats}
    document = {**sizes, "goals": GOALS, "reached": reached, "ratios": ratios, **figures, **told}
    each = ", ".join(f"{ratio:.2f} of {name} ({times[name]:.2f} ms)" for name, ratio in ratios.items())
    line = (
        f"{wanted.rows:,} x {wanted.dim}: {told['index']['structure']}, {times['ours']:.2f} ms a query = {each}; "
        f"recall@{K} {figures['recall']:.4f} on fresh queries; opened in {figures['opening_seconds']:.2f} s, "
        f"built in {figures['build_seconds']:.0f} s"
    )
    return line, json.dumps({**document, "threads": faiss.omp_get_max_threads(), "environment": environment.describe()})


if __name__ == "__main__":
    main()
