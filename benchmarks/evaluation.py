"""Judge 5,000 images against 25,000 captions, both ways, all metrics, 1,000 bootstrap samples.

    python benchmarks/evaluation.py [--images 5000] [--captions 5] [--dim 512] [--subset 500]

The vectors are random clusters, an image and its captions around one centre. In the same run, two peers:

- pytrec_eval judges the full-depth ranking of a subset of the text queries (scores are given to both); ours reads the
  same ranking as vectors, so the time of the matrix product counts against us;
- a plain torch matrix product with `topk(10)` over all queries, both ways: the least that any evaluation must do.

Prints one line for people and one JSON document.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from mirante.evaluation import Settings, evaluate
from mirante.types import DIRECTIONS, Caption, Embeddings, Pairs, Picture, Provenance

MADE = Provenance("random clusters", "seed 0", "none")
MEASURES = {"success.1,5,10", "recall.1,5,10", "recip_rank", "ndcg_cut.10", "map"}


def main() -> None:
    """Measure, and print."""
    wanted = arguments()
    images, texts, pairs = gallery(wanted.images, wanted.captions, wanted.dim)
    before = time.process_time()
    seconds, judged = timed(
        lambda: {one: evaluate(images, texts, pairs, Settings(direction=one)).result for one in DIRECTIONS}
    )
    cpu = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # before the peers add theirs
    ours, theirs = against_trec_eval(images, texts, pairs, wanted.subset)
    torch_seconds = against_torch(images, texts)
    document = {
        "images": wanted.images,
        "captions": wanted.images * wanted.captions,
        "dim": wanted.dim,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_gib": round(memory, 2),
        "hit_rate@1": {one: result.metrics["hit_rate@1"].value for one, result in judged.items()},
        "pytrec_eval": {
            "queries": wanted.subset,
            "gallery": wanted.images,
            "seconds": round(theirs, 2),
            "ours": round(ours, 2),
            "times_faster": round(theirs / ours, 1),
        },
        "torch_topk_10": {"seconds": round(torch_seconds, 2), "times_its_work": round(seconds / torch_seconds, 1)},
    }
    print(
        f"{wanted.images:,} images x {wanted.images * wanted.captions:,} captions, both ways: {seconds:.1f} s "
        f"({cpu:.1f} s of processor time), "
        f"peak {memory:.2f} GiB; {theirs / ours:.1f} times as fast as pytrec_eval on {wanted.subset} full rankings; "
        f"{seconds / torch_seconds:.1f} times the bare torch top 10"
    )
    print(json.dumps(document))


def arguments() -> argparse.Namespace:
    """The sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--captions", type=int, default=5, help="per image")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--subset", type=int, default=500, help="text queries that pytrec_eval judges")
    return parser.parse_args()


def gallery(count: int, each: int, dim: int) -> tuple[Embeddings, Embeddings, Pairs]:
    """Unit rows around one random centre for every image, and the relevance between them."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((count, dim), dtype=np.float32)
    images = tuple(f"{at:06}.jpg" for at in range(count))
    captions = tuple(Caption(f"{one}#{n}", f"{one} {n}") for one in images for n in range(each))
    relevance = {caption.id: frozenset({caption.id[:10]}) for caption in captions}
    pictures = tuple(Picture(one, one, lambda: Image.new("RGB", (1, 1))) for one in images)

    def around(repeats: int, noise: float) -> np.ndarray[Any, np.dtype[np.float32]]:
        rows = np.repeat(centres, repeats, axis=0)
        rows += random.standard_normal(rows.shape, dtype=np.float32) * np.float32(noise)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    texts = Embeddings(tuple(caption.id for caption in captions), around(each, 4.0), MADE)
    return Embeddings(images, around(1, 1.0), MADE), texts, Pairs(pictures, captions, relevance, "clusters")


def against_trec_eval(images: Embeddings, texts: Embeddings, pairs: Pairs, subset: int) -> tuple[float, float]:
    """Seconds of ours and of pytrec_eval (its scores already in the form it wants) on the same text queries."""
    import pytrec_eval

    captions = pairs.captions[:: max(1, len(pairs.captions) // subset)][:subset]
    part = replace(pairs, captions=captions, relevance={one.id: pairs.relevance[one.id] for one in captions})
    asked = texts.select(one.id for one in captions)
    ours, judged = timed(lambda: evaluate(images, asked, part, Settings(resamples=0)))
    grades = {query: dict(found) for query, found in judged.qrels.grades.items()}
    scores = (asked.vectors @ images.vectors.T).tolist()
    run = {query: dict(zip(images.ids, row, strict=True)) for query, row in zip(asked.ids, scores, strict=True)}
    theirs, found = timed(lambda: pytrec_eval.RelevanceEvaluator(grades, MEASURES).evaluate(run))
    mean = sum(one["map"] for one in found.values()) / len(found)
    if abs(mean - judged.result.metrics["map"].value) > 1e-6:
        raise SystemExit(f"map differs: pytrec_eval {mean}, ours {judged.result.metrics['map'].value}")
    return ours, theirs


def against_torch(images: Embeddings, texts: Embeddings) -> float:
    """Seconds of a plain top 10 in blocks, both ways."""
    import torch

    left, right = torch.from_numpy(images.vectors), torch.from_numpy(texts.vectors)

    def both() -> None:
        for queries, documents in ((right, left), (left, right)):
            for block in queries.split(512):
                (block @ documents.T).topk(10)

    return timed(both)[0]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what the work gave."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


if __name__ == "__main__":
    main()
