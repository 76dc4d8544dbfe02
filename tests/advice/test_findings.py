"""Leaks come first: measured pictures that are also learnt from are named, counted, and taken out of R@1."""

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from captioned_pictures import captioned
from PIL import Image

from mirante.advice import findings
from mirante.advice.evidence import gather
from mirante.advice.findings import look
from mirante.advice.ground import Asked, Ground, survey
from mirante.embeddings import embed_pairs
from mirante.training.config import Data
from mirante.types import Caption, Pairs, Picture, Provenance, Vectors


def drawn(number: int) -> Image.Image:
    """A picture of its own: coloured rectangles at random."""
    random = np.random.default_rng(number)
    image = Image.new("RGB", (96, 96), tuple(random.integers(0, 256, 3).tolist()))
    for _ in range(12):
        left, top = random.integers(0, 72, 2).tolist()
        width, height = random.integers(8, 40, 2).tolist()
        image.paste(tuple(random.integers(0, 256, 3).tolist()), (left, top, left + width, top + height))
    return image


def jpeg(image: Image.Image) -> Image.Image:
    """The same after a lossy encoding and a crop of two pixels a side."""
    buffer = io.BytesIO()
    image.crop((2, 2, 94, 94)).save(buffer, "JPEG", quality=80)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def pictures(numbers: Sequence[int], *, again: Sequence[int] = (), name: str = "photos:test") -> Pairs:
    """Pictures by number; those of `again` re-encoded."""
    images = [
        Picture(
            f"{name}/{number}",
            f"{'again ' if number in again else ''}{number}",
            lambda number=number: jpeg(drawn(number)) if number in again else drawn(number),  # type: ignore[misc]
        )
        for number in numbers
    ]
    captions = [Caption(f"{one.id}#0", f"text of {one.id}") for one in images]
    return Pairs(
        tuple(images),
        tuple(captions),
        {f"{one.id}#0": frozenset((one.id,)) for one in images},
        name,
    )


def ground(known: Pairs, again: Pairs) -> Ground:
    return Ground(again.name, known, True, Data(known.name, validation=again.name), again)


def keys(notes: Sequence[object]) -> list[str]:
    return [getattr(note, "key", "") for note in notes]


def test_where_nothing_leaked_it_is_said_where_it_was_looked_for() -> None:
    found = look(ground(pictures(range(12), name="photos:train"), pictures(range(20, 26))), None, None, thorough=False)
    assert (found.warnings, found.leaked) == ((), frozenset())
    (reason,) = found.reasons
    assert (reason.key, reason.values) == ("advise.leak-none", {"count": 12, "all": 12})


def test_equal_pictures_and_re_encoded_ones_are_found_and_named() -> None:
    """Of six measured pictures one is equal to a known one, and one is a JPEG of another."""
    known = pictures(range(12), name="photos:train")
    asked = pictures([3, 5, 20, 21, 22, 23], again=[5])
    found = look(ground(known, asked), None, None, thorough=False)
    assert found.leaked == {"photos:test/3", "photos:test/5"}
    assert found.identical
    first = found.warnings[0]
    assert first.key == "advise.leak"
    assert (first.values["count"], first.values["pictures"], first.values["queries"]) == (2, 6, 2)
    assert first.values["names"] == ["photos:test/3", "photos:test/5"]
    assert keys(found.warnings) == ["advise.leak", "advise.leak-config"]
    assert found.documents["leaks"]["leaked_pictures"] == 2


def test_near_copies_alone_leave_the_test_data_usable() -> None:
    found = look(
        ground(pictures(range(12), name="photos:train"), pictures([5, 20, 21], again=[5])), None, None, thorough=False
    )
    assert found.leaked == {"photos:test/5"}
    assert not found.identical
    assert keys(found.warnings) == ["advise.leak"]


def test_near_copies_are_looked_for_among_some_of_many_pictures_unless_all_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(findings, "CHECKED", 4)
    known, asked = pictures(range(12), name="photos:train"), pictures([3, *range(4, 12)], again=range(4, 12))
    some, every = (look(ground(known, asked), None, None, thorough=thorough) for thorough in (False, True))
    assert "photos:test/3" in some.leaked, "equal pictures are found among all"
    assert len(some.leaked) < len(every.leaked) == 9
    assert (some.documents["leaks"]["looked_at"], some.documents["leaks"]["of"]) == (4, 12)
    assert every.documents["leaks"]["looked_at"] == 12


def test_r1_is_said_without_the_queries_that_leaked(evaluated) -> None:
    """The model finds the four leaked pictures of ten and one of the other six: 0.5 in all, 1/6 without them."""
    evidence = gather(evaluated({"model": {"": "1111100000"}}))
    asked = evidence.pairs
    known = Pairs(asked.images[:4], (), {}, "photos:train")
    blind = replace(ground(known, asked), decodes=False)
    found = look(blind, None, evidence, thorough=False)
    note = next(one for one in found.warnings if one.key == "advise.leak-without")
    assert note.values["value"] == pytest.approx(1 / 6)
    assert note.values["other"] == 0.5


def test_a_single_data_set_is_parted_as_a_run_would_part_it(tmp_path) -> None:
    """Twenty pictures, and the same twenty again as JPEG: the tenth that is held out has near copies in the rest."""
    for number in range(20):
        drawn(number).save(tmp_path / f"{number}.png")
        jpeg(drawn(number)).save(tmp_path / f"{number}-again.png")
        for name in (f"{number}", f"{number}-again"):
            (tmp_path / f"{name}.txt").write_text(f"picture {number}", encoding="utf-8")
    found = look(survey(Asked(str(tmp_path))), None, None, thorough=False)
    assert found.leaked
    assert not found.identical, "equal pictures stay on one side"
    assert found.warnings[0].values["pictures"] == 4


def test_results_alone_have_no_pixels_to_look_at() -> None:
    soil = survey(Asked("scenes:test-4"))
    found = look(replace(soil, decodes=False), None, None, thorough=False)
    assert (found.warnings, found.leaked) == ((), frozenset())
    assert set(found.documents) == {"diagnosis"}
    assert found.documents["diagnosis"]["near_duplicates"] is None


def told(texts: Sequence[str], **changed: object) -> Pairs:
    """Pictures with these captions."""
    pairs = pictures(range(len(texts)))
    captions = tuple(replace(one, text=text, **changed) for one, text in zip(pairs.captions, texts, strict=True))
    return replace(pairs, captions=captions)


def noted(pairs: Pairs) -> dict[str, dict[str, object]]:
    """Every note of what is wrong with measured pairs, warnings and reasons."""
    found = look(replace(ground(pairs, pairs), apart=False, decodes=False), None, None, thorough=False)
    return {one.key: dict(one.values) for one in (*found.warnings, *found.reasons)}


def test_a_list_that_became_one_query_is_a_warning() -> None:
    """The mistake that made R@1 .915 on Flickr30k."""
    pairs = told(["a dog runs", "['a cat', 'a cat sleeps']", "a bird"])
    found = look(replace(ground(pairs, pairs), apart=False, decodes=False), None, None, thorough=False)
    (warning,) = found.warnings
    assert warning.key == "advise.lists"
    assert warning.values == {"count": 1, "captions": 3, "names": ["photos:test/1#0"]}


def test_a_list_that_was_parted_into_its_captions_is_none() -> None:
    assert "advise.lists" not in noted(told(["a cat", "a cat sleeps"], listed=True))


def test_texts_that_stand_on_several_pictures_are_counted() -> None:
    found = noted(told(["Untitled", "a red house", "untitled.", "Untitled", "a tree"]))["advise.repeated"]
    assert found == {"count": 3, "captions": 5, "text": "Untitled", "times": 3}


def test_captions_in_another_language_are_named() -> None:
    texts = ["a dog runs over the green grass", "a man with a hat on his head", "um homem com um chapéu na cabeça"]
    found = noted(told(texts, language="en"))["advise.foreign"]
    assert found == {"count": 1, "captions": 3, "names": ["photos:test/2#0"]}


def test_long_captions_are_counted() -> None:
    assert noted(told(["a dog", "word " * 80]))["advise.long"] == {"count": 1, "most": 80}


def test_near_copies_among_the_measured_pictures_are_named() -> None:
    pairs = pictures(range(12))
    twin = replace(pictures([3], again=[3], name="twin").images[0])
    both = replace(pairs, images=(*pairs.images, twin))
    found = look(replace(ground(both, both), apart=False), None, None, thorough=False)
    (note,) = [one for one in found.reasons if one.key == "advise.copies"]
    assert (note.values["count"], set(note.values["names"])) == (1, {"photos:test/3", "twin/3"})


class Sure:
    """An encoder with a direction for each number, which pictures show and captions name, and some noise in texts."""

    dim = 48
    provenance = Provenance("model", "of model", "none")

    def __init__(self, wrong: Sequence[int]) -> None:
        self._wrong = wrong

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return np.stack([self._row(one.getpixel((0, 0))[0]) for one in images])  # type: ignore[index]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        named = [int(text.split()[1]) for text in texts]
        return np.stack([self._row(one + 1 if one in self._wrong else one, noise=0.1) for one in named])

    def _row(self, number: int, noise: float = 0.0) -> Vectors:
        random = np.random.default_rng(number)
        row = random.standard_normal(self.dim) + noise * random.standard_normal(self.dim)
        return (row / np.linalg.norm(row)).astype(np.float32)


def test_wrong_captions_are_named_by_the_vectors_of_the_best_model(evaluated) -> None:
    """Of 160 captions every tenth fits the next picture, which a good model shows."""
    wrong = range(0, 160, 10)
    saved = evaluated({"model": {"en": "0111111111" * 16}})
    evidence, pairs = gather(saved), captioned(160, ("en",))
    soil = replace(ground(pairs, pairs), apart=False, decodes=False)
    assert "advise.doubted" not in keys(look(soil, saved, evidence, thorough=False).reasons), "no vectors were kept"
    embed_pairs(pairs, Sure(wrong), saved.folder / "embeddings" / "model")  # type: ignore[arg-type]
    found = look(soil, saved, evidence, thorough=False)
    (note,) = [one for one in found.reasons if one.key == "advise.doubted"]
    assert note.values["count"] == pytest.approx(16, abs=2)
    assert note.values["captions"] == 160
    assert set(note.values["names"]) <= {f"i{at:03}#en" for at in wrong}
