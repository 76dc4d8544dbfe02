"""Swapped captions are named, sound ones are not, and a model that cannot tell says so."""

import numpy as np
import pytest

from mirante.diagnosis import Agreement, agreement
from mirante.diagnosis.agreement import mixture
from mirante.types import Caption, Embeddings, Item, Pairs, Picture, Provenance

MADE = Provenance("m", "r", "p")


def rows(ids: list[str], vectors: np.ndarray) -> Embeddings:
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Embeddings(tuple(ids), vectors.astype(np.float32), MADE)


def data(count: int, noise: float, swaps: int, texts: list[str] | None = None) -> tuple[Pairs, Embeddings, Embeddings]:
    """Captions are vectors of pictures with noise: each of the first `swaps` has that of the next, in a ring."""
    dice = np.random.default_rng(4)
    pictures = dice.normal(size=(count, 32))
    names = [f"i{n}" for n in range(count)]
    order = [*range(1, swaps), 0, *range(swaps, count)] if swaps else list(range(count))
    told = pictures[order] + noise * dice.normal(size=(count, 32))
    items = [
        Item(Picture(name, name, lambda: None), (Caption(f"{name}#0", texts[n] if texts else name),))  # type: ignore[arg-type,return-value]
        for n, name in enumerate(names)
    ]
    return Pairs.from_items(items), rows(names, pictures), rows([f"{name}#0" for name in names], told)


def judged(count: int, noise: float, swaps: int, texts: list[str] | None = None) -> Agreement:
    found = agreement(*data(count, noise, swaps, texts))
    assert found is not None
    return found


def named(found: Agreement) -> set[str]:
    return {doubt.caption for doubt in found.doubts}


def test_swapped_captions_are_named_with_the_picture_that_they_fit() -> None:
    found = judged(400, 0.7, 20)
    assert named(found) >= {f"i{n}#0" for n in range(20)}
    assert len(found.doubts) <= 22
    assert {(doubt.caption, doubt.image, doubt.fits) for doubt in found.doubts} >= {
        ("i0#0", "i0", "i1"),
        ("i19#0", "i19", "i0"),
    }
    assert found.wrong == pytest.approx(0.05, abs=0.03)
    assert found.telling > 0.99


def test_sound_data_is_left_alone() -> None:
    found = judged(400, 0.7, 0)
    assert (found.doubts, found.wrong) == ((), 0.0)


def test_a_model_that_cannot_tell_doubts_nothing_and_says_so() -> None:
    found = judged(400, 8.0, 20)
    assert (found.wrong, found.doubts) == (None, ())
    assert 0.5 < found.telling < 0.9


def test_many_wrong_captions_do_not_pass_for_a_poor_model() -> None:
    found = judged(400, 0.7, 120)
    assert found.telling > 0.99
    assert len(found.doubts) >= 110


def test_a_text_that_fits_few_of_its_pictures_is_repeated_not_swapped() -> None:
    """Of forty captions that stand in a ring, twenty are one text; the others are named all the same."""
    texts = ["untitled" if n < 20 else f"text {n}" for n in range(400)]
    found = named(judged(400, 0.7, 40, texts))
    assert found.isdisjoint(f"i{n}#0" for n in range(20))
    assert found >= {f"i{n}#0" for n in range(20, 40)}


def test_a_caption_that_is_near_to_every_picture_is_held_to_more() -> None:
    """Every second caption says what all pictures share, so that a wrong one of these beats the others' right ones."""
    dice = np.random.default_rng(6)
    shared, own = 17 * np.eye(32)[0], dice.normal(size=(400, 32))
    told = own + 0.5 * dice.normal(size=(400, 32)) + np.where(np.arange(400) % 2, 1.0, 0.0)[:, None] * shared
    told[[1, 3]] = told[[3, 1]]
    ids = [f"i{n}" for n in range(400)]
    items = [Item(Picture(one, one, lambda: None), (Caption(one, one),)) for one in ids]  # type: ignore[arg-type,return-value]
    found = agreement(Pairs.from_items(items), rows(ids, own + shared), rows(ids, told))
    assert found is not None
    assert {"i1", "i3"} <= named(found)
    assert len(found.doubts) <= 8, "2 % of 400"


def test_few_captions_are_not_judged() -> None:
    assert agreement(*data(49, 0.5, 0)) is None


def test_only_those_asked_for_are_judged() -> None:
    found = agreement(*data(400, 0.7, 20), among=[f"i{n}#0" for n in range(10, 400)])
    assert found is not None
    assert found.judged == 390
    assert named(found) >= {f"i{n}#0" for n in range(10, 20)}
    assert named(found).isdisjoint(f"i{n}#0" for n in range(10))


def test_a_caption_of_several_pictures_is_judged_by_the_best() -> None:
    pairs, images, texts = data(400, 0.7, 20)
    kind = Pairs(pairs.images, pairs.captions, {**pairs.relevance, "i0#0": frozenset({"i0", "i1"})})
    found = agreement(kind, images, texts)
    assert found is not None
    assert named(found) >= {f"i{n}#0" for n in range(1, 20)}
    assert "i0#0" not in named(found)


def test_what_has_no_vector_is_passed_over() -> None:
    pairs, images, texts = data(400, 0.7, 20)
    found = agreement(pairs, images.select(images.ids[5:]), texts.select(texts.ids[10:]))
    assert found is not None
    assert found.judged == 390


def test_the_mixture_of_right_and_wrong() -> None:
    """900 at 10, 100 spread evenly over what random pairs reach, 0 to 1."""
    scores = np.concatenate([np.full(900, 10.0), np.linspace(0, 1, 100)])
    share, threshold = mixture(scores, np.linspace(0, 1, 5000))
    assert share == pytest.approx(0.11, abs=0.01)
    assert threshold == 1.0
