"""A saved result under another protocol: the same numbers as an evaluation under it, without a model."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mirante.embeddings import embed_pairs
from mirante.errors import StoreError
from mirante.evaluation import (
    Preset,
    SavedResults,
    compare,
    compare_all,
    evaluate_under,
    load_results,
    rescore,
    save_results,
)
from mirante.evaluation.evidence import read_ranks
from mirante.types import Caption, Pairs, Picture, Provenance, Vectors

BROKEN = "i07"


class Colours:
    """An encoder whose vectors follow from the colour of a picture and the length of a text."""

    dim = 6

    def __init__(self, name: str) -> None:
        self.provenance = Provenance(name, f"revision of {name}", "none")

    def encode_images(self, images: list[Image.Image]) -> Vectors:
        return self._rows([image.getpixel((0, 0))[0] for image in images])  # type: ignore[index]

    def encode_texts(self, texts: list[str]) -> Vectors:
        return self._rows([sum(map(ord, text)) for text in texts])

    def _rows(self, seeds: list[int]) -> Vectors:
        salt = len(self.provenance.model)
        rows = np.stack([np.random.default_rng([salt, seed]).standard_normal(self.dim) for seed in seeds])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def picture(at: int) -> Picture:
    def load() -> Image.Image:
        if f"i{at:02}" == BROKEN:
            from mirante.errors import UnreadableImage

            raise UnreadableImage("truncated", "for the test")
        return Image.new("RGB", (2, 2), (at, 0, 0))

    return Picture(f"i{at:02}", f"content {at}", load)


def pairs() -> Pairs:
    """Twenty images, one of them unreadable, with three captions each; some captions repeat."""
    pictures = tuple(picture(at) for at in range(20))
    captions = tuple(
        Caption(f"{one.id}-{n}", "untitled" if n == 2 and at % 4 == 0 else f"{one.id} told {n}", "en")
        for at, one in enumerate(pictures)
        for n in range(3)
    )
    return Pairs(pictures, captions, {one.id: frozenset({one.id[:3]}) for one in captions}, "toy:test")


def evaluated(out: Path, preset: Preset, models: tuple[str, ...] = ("one", "other")) -> SavedResults:
    judged = []
    for name in models:
        images, texts, lost = embed_pairs(preset.choose(pairs()), Colours(name), out / "embeddings" / name)  # type: ignore[arg-type]
        judged += evaluate_under(preset, images, texts, pairs(), language="en", unreadable=lost)
    comparisons = compare_all(one.per_query for one in judged)
    save_results(out, judged, environment={}, comparisons=comparisons, data=[(pairs(), "en")])
    return load_results(out)


PRESETS = [
    Preset(equal_captions="as given"),
    Preset(first_captions=1),
    Preset(title="drawn", fraction=0.25, seed=42, first_captions=2, equal_captions="as given"),
    Preset(folds=5, images=20),
    Preset(depth=3),
]


@pytest.mark.parametrize("preset", PRESETS)
def test_equals_an_evaluation_under_that_protocol(tmp_path: Path, preset: Preset) -> None:
    first = evaluated(tmp_path / "first", Preset())
    expected = evaluated(tmp_path / "expected", preset)

    found = rescore(first, preset)

    assert [one.result.metrics for one in found] == [one.metrics for one in expected.results]
    assert [one.result.protocol for one in found] == [one.protocol for one in expected.results]
    assert [one.result.provenance for one in found] == [one.provenance for one in expected.results]
    assert compare_all(one.per_query for one in found) == expected.comparisons
    assert all(one.result.protocol != old.protocol for one, old in zip(found, first.results, strict=True))
    assert all(one.result.protocol.dropped <= 1 for one in found)


def test_comparisons_come_back_and_can_be_made_again_from_saved_ranks(tmp_path: Path) -> None:
    saved = evaluated(tmp_path, Preset())
    by_text, by_image = (
        [one for one in saved.results if one.direction == way] for way in ("text_to_image", "image_to_text")
    )
    again = [*compare([saved.per_query(one) for one in by_text]), *compare([saved.per_query(one) for one in by_image])]
    assert tuple(again) == saved.comparisons
    assert {one.clusters for one in saved.comparisons} == {19}
    assert {one.protocol for one in saved.comparisons} == {one.protocol for one in saved.results}


def test_ranks_are_kept_beyond_the_depth_of_the_run(tmp_path: Path) -> None:
    saved = evaluated(tmp_path, Preset())
    result = saved.results[1]
    assert saved.ranks(result).ranks.max() > 20
    lost = tmp_path / "ranks.txt"
    lost.write_text("a%20query 2 5 -\nother 1\n")
    found = read_ranks(lost)
    assert (found.queries, found.relevant.tolist()) == (("a query", "other"), [3, 1])
    assert found.ranks.tolist()[:2] == [2, 5]
    assert found.ranks[2] > 10**9


@pytest.mark.parametrize("broken", ["query 0\n", "query\n", "query one\n", ""])
def test_damaged_ranks_are_refused(tmp_path: Path, broken: str) -> None:
    (tmp_path / "ranks.txt").write_text(broken)
    with pytest.raises(StoreError, match=r"ranks\.txt' cannot be read.*evaluate again"):
        read_ranks(tmp_path / "ranks.txt")


def test_without_vectors_or_data_it_says_what_to_do(tmp_path: Path) -> None:
    saved = evaluated(tmp_path, Preset())
    shutil.move(tmp_path / "embeddings" / "other", tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"keeps no vectors of 'other'.*without --no-cache"):
        rescore(saved, Preset(depth=3))
    files = {key: name for key, name in saved.results[0].details["files"].items() if key != "pairs"}
    bare = replace(saved.results[0], details={"files": files})
    with pytest.raises(StoreError, match="keeps no pairs of 'one'"):
        rescore(replace(saved, results=(bare,)), Preset(depth=3))


def test_what_was_never_embedded_cannot_be_scored(tmp_path: Path) -> None:
    saved = evaluated(tmp_path, Preset(first_captions=1), ("one",))
    with pytest.raises(StoreError, match=r"texts of this protocol were never embedded.*first 'i00-1'"):
        rescore(saved, Preset())
