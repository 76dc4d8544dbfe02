"""Leaks come first: measured pictures that are also learnt from are named, counted, and taken out of R@1."""

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mirante.advice import findings
from mirante.advice.evidence import gather
from mirante.advice.findings import look
from mirante.advice.ground import Asked, Ground, survey
from mirante.training.config import Data
from mirante.types import Caption, Pairs, Picture


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
    found = look(ground(pictures(range(12), name="photos:train"), pictures(range(20, 26))), None, thorough=False)
    assert (found.warnings, found.leaked) == ((), frozenset())
    (reason,) = found.reasons
    assert (reason.key, reason.values) == ("advise.leak-none", {"count": 12, "all": 12})


def test_equal_pictures_and_re_encoded_ones_are_found_and_named() -> None:
    """Of six measured pictures one is equal to a known one, and one is a JPEG of another."""
    known = pictures(range(12), name="photos:train")
    asked = pictures([3, 5, 20, 21, 22, 23], again=[5])
    found = look(ground(known, asked), None, thorough=False)
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
        ground(pictures(range(12), name="photos:train"), pictures([5, 20, 21], again=[5])), None, thorough=False
    )
    assert found.leaked == {"photos:test/5"}
    assert not found.identical
    assert keys(found.warnings) == ["advise.leak"]


def test_near_copies_are_looked_for_among_some_of_many_pictures_unless_all_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(findings, "CHECKED", 4)
    known, asked = pictures(range(12), name="photos:train"), pictures([3, *range(4, 12)], again=range(4, 12))
    some, every = (look(ground(known, asked), None, thorough=thorough) for thorough in (False, True))
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
    found = look(blind, evidence, thorough=False)
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
    found = look(survey(Asked(str(tmp_path))), None, thorough=False)
    assert found.leaked
    assert not found.identical, "equal pictures stay on one side"
    assert found.warnings[0].values["pictures"] == 4


def test_results_alone_have_no_pixels_to_look_at() -> None:
    soil = survey(Asked("scenes:test-4"))
    assert look(replace(soil, decodes=False), None, thorough=False) == findings.Findings()
