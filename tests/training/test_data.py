"""What is learnt from and what is measured: pictures on one side, one clear error for data that cannot work."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from mirante import training
from mirante.datasets import open_dataset, split_at_random
from mirante.errors import DataError, UnknownName, UsageError
from mirante.training.config import Data, Model, NewModel, TrainConfig
from mirante.training.data import open_sets, words


@pytest.fixture
def table(tmp_path):
    """Writes a table and its pictures, whose names say their pixels: `7.png` and `7-again.png` have the same."""

    def write(rows, name="train.csv", columns=("image", "caption")):
        for row in rows:
            path = tmp_path / str(row[0])
            number = path.stem.partition("-")[0]
            if number.isdigit() and not path.exists():
                noise = np.random.default_rng(int(number)).integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(noise).save(path)
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *rows])
        return str(tmp_path / name)

    return write


def plain(first, last):
    return [(f"{n}.png", f"caption {n}") for n in range(first, last)]


def contents(pictures):
    return {picture.content for picture in pictures}


def told(sets, size=100):
    """Every text of a batch of all pictures → how many of them it is true of."""
    batch = sets.batches.draw(0, size, seed=0)
    return dict(zip(batch.texts, batch.positives.sum(axis=1).tolist(), strict=True))


def test_without_more_settings_all_pictures_are_learnt_from_and_nothing_is_measured(table):
    sets = open_sets(Data(table(plain(0, 5))))
    assert told(sets) == {f"caption {n}": 1 for n in range(5)}
    assert (sets.validation, sets.retain) == (None, None)


def test_held_out_pictures_are_validated_on_and_not_learnt_from(table):
    address = table(plain(0, 20))
    sets = open_sets(Data(address, hold_out=0.25))
    rest, out = split_at_random(open_dataset(address).items("train"), 0.25, seed=42)
    assert [picture.id for picture in sets.batches.pictures] == [item.picture.id for item in rest]
    assert [picture.id for picture in sets.validation.images] == [item.picture.id for item in out]
    assert len(sets.validation.images) == 5
    assert [caption.text for caption in sets.validation.captions] == [item.captions[0].text for item in out]
    assert sets.validation.name == f"{address}:train (held out 0.25)"


def test_all_captions_of_a_picture_stay_on_its_side(table):
    """Ten pictures in thirty rows under three names each: a split of rows would part nearly all of them."""
    rows = [(f"{n}{again}.png", f"caption {n}{again}") for again in ("", "-again", "-twice") for n in range(10)]
    sets = open_sets(Data(table(rows), hold_out=0.3))
    assert len(sets.batches.pictures) == 7
    assert len(sets.validation.images) == 3
    assert contents(sets.batches.pictures).isdisjoint(contents(sets.validation.images))
    assert len(sets.validation.captions) == 9
    assert set(sets.validation.relevance) == {caption.id for caption in sets.validation.captions}
    own = {image.id for image in sets.validation.images}
    assert all(images <= own for images in sets.validation.relevance.values())


def test_what_is_held_out_is_not_learnt_from_where_something_else_is_validated_on(table):
    address, other = table(plain(0, 20)), table(plain(20, 25), "test.csv")
    sets = open_sets(Data(address, hold_out=0.25, validation=other))
    assert len(sets.batches.pictures) == 15
    assert [caption.text for caption in sets.validation.captions] == [f"caption {n}" for n in range(20, 25)]


def test_a_caption_of_both_sides_keeps_its_pictures_of_either(table):
    """`scenes` knows every picture that a caption is true of; a held-out caption is asked of held-out pictures only."""
    sets = open_sets(Data("scenes:train-40", hold_out=0.5, language="en"))
    held = {image.id for image in sets.validation.images}
    assert len(held) == len(sets.batches.pictures) == 20
    assert {caption.id.partition("#")[0] for caption in sets.validation.captions} == held
    assert all(images and images <= held for images in sets.validation.relevance.values())
    assert any(len(images) > 1 for images in sets.validation.relevance.values())


def test_equal_captions_are_positives_of_all_their_pictures(table):
    rows = [("1.png", "Untitled"), ("2.png", "untitled "), ("3.png", "a red boat"), ("4.png", "Untitled")]
    assert told(open_sets(Data(table(rows)))) == {"Untitled": 3, "untitled": 3, "a red boat": 1}


def test_columns_are_read_as_named(table):
    rows = [(f"{n}.png", f"{n + 10}.png", f"short {n}", f"a long caption {n}") for n in range(3)]
    for row in rows:
        table([(row[1], "")], "other.csv")
    columns = ("thumbnail", "scan", "title", "description")
    address = table(rows, "train.csv", columns)
    sets = open_sets(Data(address, image_column="scan", text_column="title"))
    assert set(told(sets)) == {"short 0", "short 1", "short 2"}
    other = open_sets(Data(address, image_column="thumbnail", text_column="description"))
    assert set(told(other)) == {"a long caption 0", "a long caption 1", "a long caption 2"}
    assert contents(sets.batches.pictures).isdisjoint(contents(other.batches.pictures))


def test_columns_of_the_training_data_are_those_of_the_validation_too(table):
    columns = ("image", "title", "description")
    address = table([(f"{n}.png", f"short {n}", f"long {n}") for n in range(3)], "train.csv", columns)
    other = table([(f"{n}.png", f"short {n}", f"long {n}") for n in range(5, 8)], "test.csv", columns)
    sets = open_sets(Data(address, validation=other, text_column="title"))
    assert [caption.text for caption in sets.validation.captions] == ["short 5", "short 6", "short 7"]


def test_the_retained_data_has_columns_and_a_language_of_its_own(table):
    address = table([(f"{n}.png", f"short {n}") for n in range(3)], "train.csv", ("image", "title"))
    rows = [(f"{n}.png", f"a boat {n}", f"um barco {n}") for n in range(5, 8)]
    other = table(rows, "other.csv", ("photo", "caption_en", "caption_pt"))
    sets = open_sets(Data(address, text_column="title", retain=other, retain_language="pt"))
    assert [caption.text for caption in sets.retain.captions] == ["um barco 5", "um barco 6", "um barco 7"]


def test_the_limit_is_on_images_and_comes_before_the_split(table):
    sets = open_sets(Data(table(plain(0, 20)), limit=8, hold_out=0.25))
    assert len(sets.batches.pictures) == 6
    texts = {caption.text for caption in sets.validation.captions} | set(told(sets))
    assert texts == {f"caption {n}" for n in range(8)}


def test_the_language_chooses_the_captions(table):
    rows = [(f"{n}.png", f"a boat {n}", f"um barco {n}") for n in range(4)]
    address = table(rows, "train.csv", ("image", "caption_en", "caption_pt"))
    sets = open_sets(Data(address, language="pt", hold_out=0.5))
    assert sorted([*told(sets), *(caption.text for caption in sets.validation.captions)]) == [
        "um barco 0", "um barco 1", "um barco 2", "um barco 3",
    ]  # fmt: skip


@pytest.mark.parametrize(("role", "remedy"), [("validation", "set hold_out = 0.1"), ("retain", "not learnt from")])
def test_a_training_picture_that_is_measured_too_is_refused(table, role, remedy):
    """Pictures 3 and 4 are in both, one of them under another name."""
    address = table(plain(0, 5))
    other = table([("3-again.png", "a boat"), ("4.png", "a car"), ("5.png", "a cat")], "test.csv")
    with pytest.raises(DataError, match=rf"2 of the 3 pictures of {role} = '.*test.csv.*first '0'.*{remedy}"):
        open_sets(Data(address, **{role: other}))


def test_the_same_split_cannot_be_validated_on():
    with pytest.raises(DataError, match="10 of the 10 pictures of validation = 'scenes:train-10' are training"):
        open_sets(Data("scenes:train-40", validation="scenes:train-10", captions="partial", language="en"))


def test_missing_pictures_of_both_sides_are_not_the_same(table):
    """Row 0 of both tables names a file that is not there."""
    address = table([("gone.png", "x"), *plain(0, 3)])
    other = table([("away.png", "y"), *plain(5, 8)], "test.csv")
    sets = open_sets(Data(address, validation=other))
    assert sets.batches.pictures[0].content == sets.validation.images[0].content == "missing:0"


def test_one_picture_is_too_few(table):
    with pytest.raises(DataError, match=r"only one captioned picture \('0'\) in .*train.csv:train.*mirante inspect"):
        open_sets(Data(table(plain(0, 1))))


def test_one_picture_under_two_names_is_too_few(table):
    with pytest.raises(DataError, match="only one captioned picture"):
        open_sets(Data(table([("1.png", "a boat"), ("1-again.png", "a ship")])))


def test_holding_out_all_but_one_is_too_much(table):
    with pytest.raises(DataError, match="only one captioned picture"):
        open_sets(Data(table(plain(0, 2)), hold_out=0.1))


def test_captions_that_are_all_equal_teach_nothing(table):
    rows = [("1.png", "a painting"), ("2.png", "A painting"), ("3.png", "a painting ")]
    with pytest.raises(DataError, match=r"All 3 pictures .*'a painting'.*nothing tells them apart.*text column"):
        open_sets(Data(table(rows)))


def test_an_empty_table_is_refused(table):
    with pytest.raises(DataError, match=r"train.csv holds no rows"):
        open_sets(Data(table([])))


def test_an_empty_split_is_refused(table):
    address = table(plain(0, 4))
    table([], "test.csv")
    both = address.replace("train.csv", "*.csv")
    with pytest.raises(DataError, match=r"test' has no picture: `mirante inspect` lists its splits"):
        open_sets(Data(f"{both}:train", validation=f"{both}:test"))
    with pytest.raises(DataError, match=r"test' has no picture"):
        open_sets(Data(f"{both}:test"))


def test_pictures_without_captions_are_refused(table):
    with pytest.raises(DataError, match=r"None of the 3 pictures of .*train.csv' has a caption: .*columns and lang"):
        open_sets(Data(table([(f"{n}.png", "") for n in range(3)])))


def test_a_language_without_captions_is_refused(table):
    rows = [(f"{n}.png", f"a boat {n}", f"um barco {n}") for n in range(4)]
    address = table(rows, "train.csv", ("image", "caption_en", "caption_pt"))
    with pytest.raises(DataError, match=r"None of the 4 pictures of .* has a caption in 'fr'"):
        open_sets(Data(address, language="fr"))
    with pytest.raises(DataError, match=r"None of the 4 pictures of .* has a caption in 'de'"):
        open_sets(Data("scenes:train-8", retain=address, retain_language="de"))


def test_a_name_that_is_not_there_is_told_with_those_that_are(table):
    address = table(plain(0, 4))
    with pytest.raises(UnknownName, match=r"Unknown column 'captoin'. Did you mean 'caption'"):
        open_sets(Data(address, text_column="captoin"))
    with pytest.raises(UnknownName, match=r"Unknown column 'photo'.*image"):
        open_sets(Data(address, image_column="photo"))
    with pytest.raises(UnknownName, match=r"Unknown split 'tset'.*Valid: train"):
        open_sets(Data(f"{address}:tset"))
    with pytest.raises(UnknownName, match=r"Unknown split of scenes 'tarin'. Did you mean 'train'"):
        open_sets(Data("scenes:tarin"))
    with pytest.raises(UsageError, match=r"No file '/nowhere/test\.csv'"):
        open_sets(Data(address, validation="/nowhere/test.csv"))


@pytest.mark.parametrize("share", [1.0, 1.5, -0.1])
def test_a_share_out_of_range_is_refused(table, share):
    with pytest.raises(UsageError, match=f"between 0 and 1, not {share}"):
        open_sets(Data(table(plain(0, 4)), hold_out=share))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(table, limit):
    with pytest.raises(UsageError, match=f"limit must be at least 1, not {limit}"):
        open_sets(Data(table(plain(0, 4)), limit=limit))


@pytest.mark.parametrize("more", [{"hold_out": 0.1}, {"limit": 4}])
def test_partial_captions_are_of_whole_splits(more):
    with pytest.raises(UsageError, match=rf'{next(iter(more))} = .* needs captions = "given".*scenes:train-4000'):
        open_sets(Data("scenes:train-8", captions="partial", language="en", **more))


def test_partial_captions_need_a_data_set_that_makes_them(table):
    with pytest.raises(UsageError, match='cannot make partial captions: use captions = "given"'):
        open_sets(Data(table(plain(0, 4)), captions="partial"))


def test_partial_captions_without_a_split_are_of_the_first():
    assert open_sets(Data("scenes:train-8", captions="partial", language="en")).batches.pictures[0].id.startswith("tr")


def test_a_new_tokenizer_reads_no_held_out_caption(table):
    config = TrainConfig("", Model(new=NewModel(tokenizer_languages=("en",))), Data(table(plain(0, 20)), hold_out=0.25))
    sets = open_sets(config.data)
    assert list(words(config)) == [caption.text for caption in sets.batches.pairs.captions]
    assert len(list(words(config))) == 15
    assert list(words(TrainConfig("", Model(start="x"), config.data))) == []


def test_a_wrong_run_ends_before_anything_is_written(table, tmp_path):
    config = TrainConfig(str(tmp_path / "out"), Model(start="scenes"), Data(table(plain(0, 1))), steps=1)
    with pytest.raises(DataError, match="only one captioned picture"):
        training.train(config)
    assert not (tmp_path / "out").exists()
    shutil.rmtree(tmp_path)


def test_a_share_of_the_pictures_is_drawn_at_random_and_lies_within_every_larger_share(table):
    address = table(plain(0, 40))
    drawn = [contents(open_sets(Data(address, share=share)).batches.pictures) for share in (0.05, 0.2, 0.5, 1.0)]
    assert [len(one) for one in drawn] == [2, 8, 20, 40]
    assert drawn[0] < drawn[1] < drawn[2] < drawn[3]
    first = [item.picture.content for item in open_dataset(address).items("train")][:20]
    assert drawn[2] != set(first)
    assert drawn[2] == contents(open_sets(Data(address, share=0.5)).batches.pictures)


def test_a_share_is_taken_of_what_is_not_held_out(table):
    sets = open_sets(Data(table(plain(0, 40)), hold_out=0.25, share=0.5))
    assert (len(sets.batches.pictures), len(sets.validation.images)) == (15, 10)
    assert contents(sets.batches.pictures).isdisjoint(contents(sets.validation.images))


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01])
def test_a_share_outside_of_nothing_to_all_is_refused(table, share):
    with pytest.raises(UsageError, match="share must be more than 0 and at most 1"):
        open_sets(Data(table(plain(0, 4)), share=share))


def test_partial_captions_have_no_share():
    with pytest.raises(UsageError, match=r'share = 0\.5 needs captions = "given"'):
        open_sets(Data("scenes:train-8", captions="partial", share=0.5))
