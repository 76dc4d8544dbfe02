"""Parts with a gallery each: every query is ranked in its own part, and the figures are over all of them."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mirante.errors import DataError
from mirante.evaluation import Settings, evaluate
from mirante.evaluation.folds import evaluate_folds, parted
from mirante.types import DIRECTIONS, Caption, Direction, Embeddings, Pairs, Picture, Provenance

MADE = Provenance("toy/one", "r1", "p1")
NAMES = tuple("abcdef")


def pairs() -> Pairs:
    pictures = tuple(Picture(one, one, lambda: Image.new("RGB", (1, 1))) for one in NAMES)
    captions = tuple(Caption(f"{one}{n}", f"{one}{n}") for one in NAMES for n in range(2))
    return Pairs(pictures, captions, {one.id: frozenset({one.id[0]}) for one in captions}, "toy:test")


def vectors() -> tuple[Embeddings, Embeddings]:
    random = np.random.default_rng(2)
    rows = random.standard_normal((18, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    texts = tuple(one.id for one in pairs().captions)
    return Embeddings(NAMES, rows[:6], MADE), Embeddings(texts, rows[6:], MADE)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_figures_are_the_means_of_the_parts(direction: Direction) -> None:
    images, texts = vectors()
    folds, settings = parted(pairs(), 3), Settings(direction=direction, depth=3)
    alone = [evaluate(images, texts, fold, settings) for fold in folds]

    together = evaluate_folds(images, texts, folds, settings)

    for name in ("hit_rate@1", "recall@1", "mrr", "ndcg@10", "map"):
        mean = sum(one.result.metrics[name].value for one in alone) / 3
        assert together.result.metrics[name].value == pytest.approx(mean)
    assert together.ranks.queries == tuple(query for one in alone for query in one.ranks.queries)
    assert together.ranks.ranks.tolist() == [rank for one in alone for rank in one.ranks.ranks.tolist()]
    for one in alone:
        for query in one.run.queries:
            assert together.run.ranking(query) == one.run.ranking(query)
    protocol = together.result.protocol
    parts = alone[0].result.protocol
    assert protocol == replace(parts, queries=3 * parts.queries, folds=3)


def test_images_with_many_captions_and_with_few_keep_their_own_ranks() -> None:
    """One caption of a, three of b, two of c, four of d: each image asks for its own."""
    counts = {"a": 1, "b": 3, "c": 2, "d": 4}
    captions = tuple(Caption(f"{one}{n}", f"{one}{n}") for one, count in counts.items() for n in range(count))
    relevance = {one.id: frozenset({one.id[0]}) for one in captions}
    data = Pairs(pairs().images[:4], captions, relevance, "toy:test")
    rows = np.random.default_rng(3).standard_normal((14, 4)).astype(np.float32)
    images, texts = Embeddings(tuple("abcd"), rows[:4], MADE), Embeddings(tuple(relevance), rows[4:], MADE)
    settings = Settings(direction="image_to_text", resamples=0)
    alone = [evaluate(images, texts, fold, settings).ranks for fold in parted(data, 2)]

    ranks = evaluate_folds(images, texts, parted(data, 2), settings).ranks

    assert ranks.queries == tuple("abcd")
    assert ranks.relevant.tolist() == [1, 3, 2, 4]
    assert ranks.first.tolist() == [first for one in alone for first in one.first.tolist()]


def test_a_smaller_gallery_is_easier() -> None:
    images, texts = vectors()
    whole = evaluate(images, texts, pairs(), Settings()).result
    parts = evaluate_folds(images, texts, parted(pairs(), 3)).result
    assert (whole.protocol.gallery, parts.protocol.gallery) == (6, 2)
    assert parts.metrics["mrr"].value > whole.metrics["mrr"].value
    assert parts.protocol != whole.protocol


def test_parts_are_consecutive_images_with_their_captions() -> None:
    first, second = parted(pairs(), 2)
    assert [one.id for one in first.images] == ["a", "b", "c"]
    assert [one.id for one in second.captions] == ["d0", "d1", "e0", "e1", "f0", "f1"]
    assert parted(pairs(), 1)[0].captions == pairs().captions


@pytest.mark.parametrize("folds", [4, 7])
def test_images_that_do_not_part_evenly_are_refused(folds: int) -> None:
    with pytest.raises(DataError, match=f"6 images of 'toy:test' do not part into {folds} equal folds"):
        parted(pairs(), folds)
