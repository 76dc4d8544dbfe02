"""Batches of captioned pictures: who is a positive of whom follows from the data, not from the order of rows."""

import numpy as np
import pytest

from mirante.errors import DataError
from mirante.training.batches import PairBatches
from mirante.types import Caption, Pairs, Picture


def pairs(captions):
    """Pairs of `{"image": ["caption", …]}`."""
    pictures = tuple(Picture(name, f"content of {name}", load=lambda: None) for name in captions)
    told = {f"{image}#{at}": (text, image) for image, texts in captions.items() for at, text in enumerate(texts)}
    return Pairs(
        pictures,
        tuple(Caption(one, text) for one, (text, _) in told.items()),
        {one: frozenset((image,)) for one, (_, image) in told.items()},
    )


def drawn(given, size=8, seed=0):
    """A batch as `{text: images it is a positive of}`."""
    batches = PairBatches(given)
    batch = batches.draw(0, size, seed=seed)
    shown = [batches.pictures[row].id for row in batch.rows]
    true = [{shown[at] for at in np.flatnonzero(row)} for row in batch.positives]
    return dict(zip(batch.texts, true, strict=True))


def test_each_picture_with_its_caption():
    assert drawn(pairs({"a": ["a cat"], "b": ["a dog"]})) == {"a cat": {"a"}, "a dog": {"b"}}


def test_equal_captions_are_positives_of_all_their_pictures():
    given = pairs({"a": ["untitled"], "b": ["untitled"], "c": ["a dog"]})
    assert drawn(given) == {"untitled": {"a", "b"}, "a dog": {"c"}}


def test_a_text_is_a_positive_of_a_picture_whose_other_caption_was_drawn():
    """Picture b has "untitled" too, whichever of its captions is drawn."""
    given = pairs({"a": ["untitled"], "b": ["a brown dog", "untitled"]}).sharing_equal_captions()
    seen = [drawn(given, seed=seed) for seed in range(20)]
    assert {"untitled": {"a", "b"}, "a brown dog": {"b"}} in seen
    assert all(batch["untitled"] == {"a", "b"} for batch in seen)


def test_one_caption_of_two_pictures_is_a_positive_of_both():
    given = pairs({"a": ["two cats"], "b": ["a red cat"]})
    given = Pairs(given.images, given.captions, {"a#0": frozenset("ab"), "b#0": frozenset("b")})
    assert drawn(given, seed=3)["two cats"] == {"a", "b"}


def test_every_caption_of_a_picture_gets_its_turn():
    given = pairs({"a": ["one", "two", "three"], "b": ["four"]})
    assert {text for seed in range(40) for text in drawn(given, seed=seed)} == {"one", "two", "three", "four"}


def test_a_vague_caption_is_drawn_no_more_often_than_a_telling_one():
    """Each of the 4 + 1 captions once over the pictures: for one picture its own caption as often as the vague one."""
    images = [f"image {n}" for n in range(4)]
    given = pairs({one: [f"caption of {one}"] for one in images} | {"image 4": ["a caption"]})
    vague = Caption("vague", "a picture")
    relevance = {**given.relevance, "vague": frozenset(images)}
    batches = PairBatches(Pairs(given.images, (*given.captions, vague), relevance))
    texts = [text for seed in range(400) for text in batches.draw(0, 1, seed=seed).texts]
    share = texts.count("a picture") / sum(text != "a caption" for text in texts)
    assert 1 / 5 - 0.06 < share < 1 / 5 + 0.06
    assert batches.telling["image 0"] == [0]
    assert [batches.pairs.captions[one].id for one in batches.captions["image 0"]] == ["image 0#0", "vague"]


def test_a_batch_holds_as_many_different_pictures_as_asked():
    given = pairs({f"image {n}": [f"caption {n}"] for n in range(50)})
    batch = PairBatches(given).draw(0, 16, seed=0)
    assert len(set(batch.rows.tolist())) == 16
    assert (batch.rows.dtype, batch.positives.dtype) == (np.int64, np.bool_)
    assert batch.positives.shape == (16, 16)
    assert batch.roles.tolist() == ["full"] * 16


def test_a_batch_larger_than_the_data_is_all_of_it():
    assert len(drawn(pairs({"a": ["a cat"], "b": ["a dog"]}), size=100)) == 2


def test_rows_point_at_pictures_that_have_a_caption():
    given = pairs({"mute": [], "a": ["a cat"], "silent": [], "b": ["a dog"]})
    assert [picture.id for picture in PairBatches(given).pictures] == ["a", "b"]
    assert drawn(given) == {"a cat": {"a"}, "a dog": {"b"}}


def test_every_picture_comes_once_in_each_pass():
    """Ten pictures in batches of two: ten batches are two passes."""
    batches = PairBatches(pairs({f"image {n}": [f"caption {n}"] for n in range(10)}))
    rows = [int(row) for step in range(10) for row in batches.draw(step, 2, seed=3).rows]
    assert sorted(rows[:10]) == sorted(rows[10:]) == list(range(10))
    assert rows[:10] != rows[10:]


def test_pictures_can_be_left_out_and_shift_no_row():
    """Without b, the caption that b and c share is of c alone, and rows point at a and c."""
    given = pairs({"a": ["a cat"], "b": ["untitled", "a dog"], "c": ["untitled"]}).sharing_equal_captions()
    rest = PairBatches(given).without(["b"])
    assert [picture.id for picture in rest.pictures] == ["a", "c"]
    assert drawn(rest.pairs) == {"a cat": {"a"}, "untitled": {"c"}}
    with pytest.raises(DataError, match=r"only one captioned picture \('a'\)"):
        rest.without({"c": "truncated"})


def test_data_without_a_captioned_picture_is_refused():
    with pytest.raises(DataError, match="There is no captioned picture in the data"):
        PairBatches(pairs({"mute": []}))


def test_a_single_captioned_picture_is_refused():
    with pytest.raises(DataError, match=r"only one captioned picture \('a'\) in the data"):
        PairBatches(pairs({"mute": [], "a": ["a cat", "a grey cat"]}))


def test_captions_that_are_all_true_of_all_are_refused():
    given = pairs({"a": ["untitled"], "b": ["Untitled"], "c": ["untitled"]})
    with pytest.raises(DataError, match=r"All 3 pictures of the data share all their captions .*'untitled'"):
        PairBatches(given.sharing_equal_captions())
    told_apart = pairs({"a": ["untitled"], "b": ["Untitled"], "c": ["untitled", "a dog"]})
    assert len(PairBatches(told_apart.sharing_equal_captions()).pictures) == 3


def test_the_same_generator_state_gives_the_same_batch():
    given = pairs({f"image {n}": [f"caption {n}", f"other {n}"] for n in range(50)})
    one, same, other = (list(drawn(given, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other
