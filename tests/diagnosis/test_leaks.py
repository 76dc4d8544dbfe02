"""What was learnt from and is measured too: equal or near, each pair named, and the figures without."""

import numpy as np
import pytest
from spoilt_pictures import cropped, jpeg, scenes, shown, told

from mirante.diagnosis import Leak, find_leaks, fingerprint, without
from mirante.evaluation import PerQuery
from mirante.types import Caption, Item, Pairs, Picture, Protocol

SOME = scenes("test-8")
LEARNT = shown(SOME[:4], "learnt")
COPY = jpeg(cropped(SOME[2]))


def measured() -> Pairs:
    """Picture 0 equals a learnt one, 1 is a copy of another, 2 is new; one caption describes the last two."""
    pictures = [
        Picture("same", "learnt-1", SOME[1].copy),
        Picture("copy", "c", COPY.copy),
        Picture("new", "n", SOME[6].copy),
    ]
    items = [Item(one, (Caption(f"{one.id}#0", f"a {one.id} picture"),)) for one in pictures]
    pairs = Pairs.from_items(items, "measured")
    shared = {**pairs.relevance, "new#0": frozenset({"new", "copy"})}
    return Pairs(pairs.images, pairs.captions, shared, pairs.name)


@pytest.mark.parametrize("prints", [False, True])
def test_every_pair_is_named_with_its_reason(prints: bool) -> None:
    known = fingerprint(LEARNT) if prints else LEARNT
    found = find_leaks(known, measured(), name="learnt")
    assert found.pairs == (Leak("same", "learnt1", "equal"), Leak("copy", "learnt2", "near copy"))
    assert (found.known, found.asked) == ("learnt", "measured")
    assert (found.count("equal"), found.count("near copy"), found.pictures, found.captions) == (1, 1, 3, 3)


def test_a_caption_is_touched_when_one_of_its_pictures_leaked() -> None:
    assert find_leaks(LEARNT, measured()).touched == {"same#0", "copy#0", "new#0"}


def test_without_pixels_equal_contents_are_found() -> None:
    found = find_leaks(LEARNT, measured(), near=False)
    assert (found.images, found.near, found.touched) == (("same",), False, {"same#0"})


def test_two_data_sets_that_share_nothing() -> None:
    found = find_leaks(told(SOME[:4], list("abcd"), "x"), told(SOME[4:], list("efgh"), "y"))
    assert (found.pairs, found.images, found.touched, found.known) == ((), (), frozenset(), "told")


def test_unreadable_pictures_equal_none() -> None:
    """Both carry the reason and their id as content, and the id is the same in both data sets."""
    broken = [Picture("a", "truncated:a", SOME[0].copy)]
    assert find_leaks(broken, Pairs.from_items([Item(broken[0], ())]), near=False).pairs == ()


def test_the_document_names_everything() -> None:
    assert find_leaks(LEARNT, measured(), name="learnt").to_dict() == {
        "known": "learnt",
        "asked": "measured",
        "pictures": 3,
        "captions": 3,
        "leaked_pictures": 2,
        "equal": 1,
        "near_copies": 1,
        "touched_captions": 3,
        "looked_for_near_copies": True,
        "unreadable": 0,
        "pairs": [
            {"asked": "same", "known": "learnt1", "reason": "equal"},
            {"asked": "copy", "known": "learnt2", "reason": "near copy"},
        ],
    }


def values(direction: str, queries: tuple[str, ...], hits: list[float]) -> PerQuery:
    protocol = Protocol("measured", "", direction, 3, len(queries), 1.0, "shared", 3)  # type: ignore[arg-type]
    return PerQuery("model", protocol, queries, queries, {"hit_rate@1": np.array(hits)})


def test_the_metric_without_what_leaked() -> None:
    """Of three captions the first is touched; of the two others one is right."""
    leaks = find_leaks(LEARNT, measured(), near=False)
    queries = ("same#0", "copy#0", "new#0")
    assert without(values("text_to_image", queries, [1.0, 0.0, 1.0]), leaks)["hit_rate@1"].value == 0.5
    assert without(values("image_to_text", ("same", "copy"), [1.0, 0.0]), leaks)["hit_rate@1"].value == 0.0
    assert without(values("image_to_text", ("same",), [1.0]), leaks) == {}
