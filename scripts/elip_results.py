"""What guides do to the ranking of their base: plain and hard galleries, styles never seen, and minimal pairs by kind.

    python scripts/elip_results.py BASE GUIDE … [--depths 10 …] [--data scenes:hard …]

Prints Markdown tables. First milliseconds of the processor for a query, the median of `QUERIES`, whose k candidates are
kept (their lower layers were passed before, for an earlier query), and for candidates seen for the first time. Then one
table a gallery, with the paired 95 % interval of each guide by bootstrap over pictures. Last the minimal pairs of the
hard gallery: how often a text scores its own picture above its partner's.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from mirante import encoders, pipeline, rerankers
from mirante.datasets import Contrast, ReadOptions, open_dataset, read_contrasts, whole
from mirante.evaluation import Verdict
from mirante.evaluation.results import load_results
from mirante.rerankers import Candidates, Reranker
from mirante.types import Encoder

DATA = ("scenes:hard", "scenes:test", "scenes:mosaic-500", "scenes:chalk-500")
QUERIES = 20


def main() -> None:
    """Measure every guide on every gallery, and print."""
    asked = _arguments()
    base = encoders.load(asked.base)
    print("| guide | k | kept, ms | first, ms |\n|---|---|---|---|")
    for guide, depth in product(asked.guides, asked.depths):
        kept, first = milliseconds(base, guide, depth)
        print(f"| {guide} | {depth} | {kept:.1f} | {first:.1f} |", flush=True)
    for address in asked.data:
        print(f"\n{address}\n\n| guide | k | base | re-ranked | difference | |\n|---|---|---|---|---|---|")
        with TemporaryDirectory() as folder:
            for guide, depth in product(asked.guides, asked.depths):
                print(_row(guide, judged(address, asked.base, guide, depth, Path(folder))), flush=True)
    print("\nMinimal pairs of scenes:hard, text to picture\n\n| guide | kind | colour | size | side | all |")
    print("|---|---|---|---|---|---|")
    for name in ("", *asked.guides):
        (reranker,) = rerankers.chain([f"elip:{name}"], base) if name else (None,)
        kinds = told_apart(base, reranker)
        print(f"| {name or 'base'} | " + " | ".join(f"{100 * kinds[one]:.1f} %" for one in kinds) + " |", flush=True)


def judged(address: str, base: str, guide: str, depth: int, folder: Path) -> Verdict:
    """What re-ranking does on one gallery, by `mirante evaluate`; `folder` keeps the base's vectors."""
    source = pipeline.Source(address, ReadOptions(language="en"))
    pipeline.run(pipeline.Job((source,), (base,), folder, rerank=(f"elip:{guide}",), depth=depth))
    return load_results(folder).reranked[0]


def milliseconds(base: Encoder, guide: str, depth: int) -> tuple[float, float]:
    """Processor time of a query that looks at `depth` pictures: kept, and seen for the first time."""
    times: list[tuple[float, float]] = []
    items = list(whole(open_dataset("scenes:test-500")).items("test"))
    pictures = [item.picture for item in items[:depth]]
    for item in items[:QUERIES]:
        (reranker,) = rerankers.chain([f"elip:{guide}"], base)
        text = item.captions[0].text
        rows = np.zeros((depth, base.dim), np.float32)
        candidates = Candidates(text, pictures, rows[:, 0], rows[0], rows, "en")
        first, kept = (_milliseconds(reranker, candidates) for _ in range(2))
        times.append((kept, first))
    kept, first = (median(column) for column in zip(*times, strict=True))
    return kept, first


def _milliseconds(reranker: Reranker, candidates: Candidates) -> float:
    start = time.process_time()
    reranker.score(candidates)
    return 1000 * (time.process_time() - start)


def told_apart(base: Encoder, reranker: Reranker | None) -> dict[str, float]:
    """Kind of minimal pair → share of texts that score their own picture above the partner's."""
    right: dict[str, list[bool]] = {"kind": [], "colour": [], "size": [], "side": []}
    for contrast in read_contrasts(whole(open_dataset("scenes:hard")), splits=("hard",), language="en"):
        right[contrast.kind] += list(_answers(contrast, base, reranker))
    return {kind: float(np.mean(some)) for kind, some in right.items()} | {
        "all": float(np.mean([one for some in right.values() for one in some]))
    }


def _answers(contrast: Contrast, base: Encoder, reranker: Reranker | None) -> Iterator[bool]:
    rows = base.encode_images([one.load() for one in contrast.images])
    for own, caption in enumerate(contrast.texts):
        query = base.encode_texts([caption.text])[0]
        scores = rows @ query
        if reranker:
            scores = reranker.score(Candidates(caption.text, contrast.images, scores, query, rows, "en"))
        yield bool(scores[own] > scores[1 - own])


def _row(guide: str, one: Verdict) -> str:
    before, after = 100 * one.base[one.metric].value, 100 * one.after[one.metric].value
    difference = f"{100 * one.difference:+.1f} [{100 * one.low:.1f}, {100 * one.high:.1f}]"
    return f"| {guide} | {one.depth} | {before:.1f} % | {after:.1f} % | {difference} | {one.word} |"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base")
    parser.add_argument("guides", nargs="+")
    parser.add_argument("--depths", type=int, nargs="*", default=[10], help="k, first answers that are looked at again")
    parser.add_argument("--data", nargs="*", default=DATA, help="addresses of galleries")
    return parser.parse_args()


if __name__ == "__main__":
    main()
