"""Memory and time of `embed` as data grow: `scenes` by a stub encoder, each size in a process of its own.

    python benchmarks/growth.py [--sizes 10000 100000] [--workers 2]

The stub makes a row of 64 values of what a picture's first bytes hash to, so that drawing, listing and writing are all
that is measured; captions are embedded too. For each size it prints the peak memory of the process, the seconds, and
both beside those of the first size; then what is on the disk for each picture. Prints one table for people and one JSON
document.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Image

from mirante import environment
from mirante.datasets import open_dataset
from mirante.embeddings import Settings, embed
from mirante.types import Provenance, Vectors

DIM = 64


class Stub:
    """Rows of length 1 that nothing was learnt for; see `mirante.types.Encoder`."""

    provenance = Provenance("stub", "1", "none")
    dim = DIM

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """(n, d) float32 rows of length 1."""
        return _rows([image.tobytes()[:4096] for image in images])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32 rows of length 1."""
        return _rows([text.encode() for text in texts])


def _rows(contents: Sequence[bytes]) -> Vectors:
    made = [np.frombuffer(hashlib.shake_128(one).digest(DIM), np.uint8) for one in contents]
    rows = np.stack(made).astype(np.float32) - 127.5
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def main() -> None:
    """Measure, and print."""
    wanted = arguments()
    if wanted.one:
        print(json.dumps(measured(wanted.one, wanted.workers)))
        return
    found = [apart(size, wanted.workers) for size in wanted.sizes]
    print(*said(found), sep="\n")


def arguments() -> argparse.Namespace:
    """The sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def apart(size: int, workers: int) -> dict[str, Any]:
    """`measured` in a new process, so that its peak is its own."""
    command = [sys.executable, __file__, "--one", str(size), "--workers", str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(size: int, workers: int) -> dict[str, Any]:
    """Embed so many scenes into a new folder."""
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        report = embed(open_dataset(f"scenes:train-{size}"), Stub(), Path(out), Settings(workers=workers))
        seconds = time.perf_counter() - start
        written = sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file())
    return {
        "images": report.images["embedded"],
        "texts": report.texts["embedded"],
        "seconds": round(seconds, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "disk_bytes_per_image": round(written / size, 1),
    }


def said(found: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """A table for people, one JSON document."""
    first = found[0]
    lines = ["| images | captions | peak MiB | × first | seconds | × first, by image | bytes on disk by image |"]
    lines.append("|---|---|---|---|---|---|---|")
    for one in found:
        memory = one["peak_mib"] / first["peak_mib"]
        slower = (one["seconds"] / one["images"]) / (first["seconds"] / first["images"])
        lines.append(
            f"| {one['images']:,} | {one['texts']:,} | {one['peak_mib']:.0f} | {memory:.3f} | {one['seconds']:.0f} "
            f"| {slower:.2f} | {one['disk_bytes_per_image']:.0f} |"
        )
    return "\n".join(lines), json.dumps({"benchmark": "growth", "sizes": list(found), **environment.describe()})


if __name__ == "__main__":
    main()
