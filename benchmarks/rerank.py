"""Re-rank 100 candidates with a guide over a CLIP of ViT-B/16's shape, beside one plain batch of 100 pictures.

    python benchmarks/rerank.py [--candidates 100] [--entries 6 9 11] [--repeats 3] [--seconds 100]

Weights are random and pictures are noise; time depends on neither. Decoding and preprocessing are left out on both
sides: every side finds its pixels prepared. In the same run, one after the other and again:

- the peer: the library's own features of the whole batch, `DualEncoder.image_features`;
- the paper's form: a query scores candidates that it sees for the first time, 10 prompts from the first layer on;
- the cheap form: the states below layer `entry` are kept, the query pays for the layers above; both forms of guide.

Reading the query and the mapper are part of a query's time. Each ratio is of medians, by the processor's time, which
holds where others work too; the clock's stands beside it. Set OMP_NUM_THREADS=1 on a busy machine: threads that wait
for each other burn time. No new round begins after `--seconds`. Prints one line for people and one JSON document.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

from mirante.encoders import _tiny, load
from mirante.encoders._checkpoint import quiet
from mirante.encoders._prompted import Hidden
from mirante.rerankers import Candidates
from mirante.rerankers._guided import Guided
from mirante.rerankers._guiding import Guiding
from mirante.rerankers.elip import Elip
from mirante.types import Picture

PAPER = Guiding(prompts=10)
GOAL = 1.15
TEXT = "two dogs run after a red ball on the beach"


def main() -> None:
    """Measure, and print."""
    wanted = arguments()
    with tempfile.TemporaryDirectory() as made:
        encoder = load(clip(Path(made)))
    encoder.module.eval().requires_grad_(requires_grad=False)
    pixels = torch.randn(wanted.candidates, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    encoder.pixels = lambda images: pixels[[one.info["row"] for one in images]]
    cases = works(encoder, pixels, wanted.entries)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    start = time.perf_counter()
    for round_ in range(wanted.repeats):
        if round_ and time.perf_counter() - start > wanted.seconds:
            break
        for name, prepare in cases.items():
            times[name].append(timed(prepare()))
    print(*said(times, wanted.candidates), sep="\n")


def arguments() -> argparse.Namespace:
    """The sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--entries", type=int, nargs="*", default=[6, 9, 11], help="layers of 12 that are kept below")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=100, help="after these no new round begins")
    return parser.parse_args()


def clip(folder: Path) -> str:
    """A CLIP of the shape of ViT-B/16 with random weights."""
    torch.manual_seed(0)
    with quiet():
        _tiny.clip(folder)
        config = transformers.CLIPConfig(vision_config={"patch_size": 16, "image_size": 224})
        transformers.CLIPModel(config).save_pretrained(folder)
        transformers.CLIPImageProcessorPil().save_pretrained(folder)
    return str(folder)


def works(encoder: Any, pixels: torch.Tensor, entries: list[int]) -> dict[str, Callable[[], Callable[[], Any]]]:
    """Name → what prepares the work, untimed, and gives it."""

    def plain() -> Any:
        with torch.inference_mode():
            return encoder.image_features(pixels)

    candidates = asked(len(pixels), encoder.dim)
    paper = Guided(encoder, PAPER)
    plain_first, warm = partial(encoder.image_features, pixels[:2]), Elip(paper)
    with torch.inference_mode():
        plain_first()
    warm.score(asked(2, encoder.dim))
    cases: dict[str, Callable[[], Callable[[], Any]]] = {
        "plain": lambda: plain,
        "first": lambda: partial(Elip(paper).score, candidates),
    }
    for entry in entries:
        for form in ("prompts", "attention"):
            reads = "pooled" if form == "prompts" else "tokens"
            guiding = Guiding(form=form, entry=entry, prompts=10, reads=reads)  # type: ignore[arg-type]
            cases[f"{form} at {entry}"] = partial(kept, encoder, guiding, candidates)
    return cases


def kept(encoder: Any, guiding: Guiding, candidates: Candidates) -> Callable[[], Any]:
    """The work of a query whose candidates are kept; their states are noise too, so no layer below is passed."""
    guided = Guided(encoder, guiding)
    guided.guide.eval().requires_grad_(requires_grad=False)
    tokens = (encoder.module.config.vision_config.image_size // 16) ** 2 + 1
    guided.see = lambda images: Hidden(torch.randn(len(images), tokens, guided.tower.width))  # type: ignore[method-assign]
    elip = Elip(guided)
    elip._kept.rows(candidates.pictures)
    return partial(elip.score, candidates)


def asked(count: int, dim: int) -> Candidates:
    """A query and its candidates, whose pixels are found by row."""
    pictures = []
    for row in range(count):
        image = Image.new("RGB", (1, 1))
        image.info["row"] = row
        pictures.append(Picture(str(row), f"noise {row}", partial(_same, image)))
    rows = np.zeros((count, dim), np.float32)
    return Candidates(TEXT, pictures, rows[:, 0], rows[0], rows)


def _same(image: Image.Image) -> Image.Image:
    return image


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of the processor and of the clock."""
    clock, busy = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - busy, time.perf_counter() - clock


def said(times: dict[str, list[tuple[float, float]]], candidates: int) -> tuple[str, str]:
    """One line for people, one JSON document."""
    found = {name: tuple(median(column) for column in zip(*rows, strict=True)) for name, rows in times.items()}
    busy, clock = found.pop("plain")
    cases = {
        name: {
            "ratio": round(one / busy, 3),
            "ratio_clock": round(other / clock, 3),
            "ms_per_query": round(1000 * one),
            "ms_clock": round(1000 * other),
        }
        for name, (one, other) in found.items()
    }
    document = {
        "candidates": candidates,
        "rounds": len(times["plain"]),
        "threads": torch.get_num_threads(),
        "plain": {"cpu_seconds": round(busy, 2), "seconds": round(clock, 2)},
        "goal": GOAL,
        "reached": cases["first"]["ratio"] <= GOAL,
        **cases,
    }
    each = "; ".join(f"{name} {one['ratio']:.2f} ({one['ms_per_query']:,} ms)" for name, one in cases.items())
    line = f"{candidates} candidates, {busy:.1f} s of processor time for their plain batch (1.00; goal {GOAL}): {each}"
    return line, json.dumps(document)


if __name__ == "__main__":
    main()
