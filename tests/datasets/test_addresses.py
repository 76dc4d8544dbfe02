"""Addresses, splits in them, language tags, random splits."""

import pytest

from mirante.datasets import open_dataset, split_at_random, split_of
from mirante.datasets._captions import is_tag, language_tag, matches
from mirante.datasets._splits import ordered, split_in
from mirante.errors import UsageError
from mirante.types import Item, Picture


@pytest.mark.parametrize(
    ("address", "base", "splits"),
    [
        ("hf:owner/name", "hf:owner/name", ()),
        ("hf:owner/name:test", "hf:owner/name", ("test",)),
        ("hf:owner/name@1a2b:train,test,train", "hf:owner/name@1a2b", ("train", "test")),
        ("hf:mnist", "hf:mnist", ()),
        ("hf:mnist:test", "hf:mnist", ("test",)),
        ("scenes:test", "scenes", ("test",)),
        ("a/b.parquet:validation", "a/b.parquet", ("validation",)),
        ("s-{000..009}.tar:train", "s-{000..009}.tar", ("train",)),
        ("http://host/x", "http://host/x", ()),
        ("a:", "a:", ()),
    ],
)
def test_splits_stand_after_the_last_colon(address, base, splits):
    assert split_of(address) == (base, splits)


def test_a_path_with_a_colon_is_a_path(tmp_path):
    path = tmp_path / "a:b"
    path.mkdir()
    assert split_of(str(path)) == (str(path), ())


@pytest.mark.parametrize("address", ["", "nowhere", "./no/such/folder", "picture.bmp", "x" * 5000, "a\0b", "\n"])
def test_an_unknown_address_lists_the_forms(address):
    with pytest.raises(UsageError) as caught:
        open_dataset(address)
    for form in ("hf:owner/name", "folder", ".parquet", "shards-{000..009}.tar", "scenes", ":split"):
        assert form in str(caught.value)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.csv", "train"),
        ("test-00000-of-00002.parquet", "test"),
        ("captions_val2017.json", "val"),
        ("my.validation.jsonl", "validation"),
        ("latest.csv", "all"),
        ("trainer.csv", "all"),
    ],
)
def test_a_file_name_speaks_of_its_split(name, split):
    assert split_in(name) == split


def test_splits_have_their_usual_order():
    assert ordered({"zoo", "validation", "test", "train"}) == ("train", "test", "validation", "zoo")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("pt_BR", "pt-BR"),
        ("pt-br", "pt-BR"),
        ("pt_BR.utf8", "pt-BR"),
        ("EN", "en"),
        ("sr@latin", "sr-Latn"),
        ("ca@valencia", "ca-valencia"),
        ("zh_hant_tw", "zh-Hant-TW"),
        ("de@euro", "de"),
    ],
)
def test_language_tags_are_written_one_way(tag, expected):
    assert language_tag(tag) == expected


@pytest.mark.parametrize(
    ("tag", "wanted", "yes"),
    [("pt-BR", "pt_BR", True), ("pt-BR", "pt", True), ("pt", "pt-BR", False), ("pt-BR", "p", False), ("", "pt", False)],
)
def test_a_short_tag_holds_the_longer_ones(tag, wanted, yes):
    assert matches(tag, wanted) is yes


def test_words_are_no_tags():
    assert [is_tag(one) for one in ("pt", "pt-BR", "caption", "a", "")] == [True, True, False, False, False]


def items(contents):
    return [Item(Picture(str(n), content, load=None), ()) for n, content in enumerate(contents)]


def test_the_random_split_is_that_of_the_datasets_library():
    library = pytest.importorskip("datasets")
    rest, held = split_at_random(items(map(str, range(101))), 0.1, seed=42)
    theirs = library.Dataset.from_dict({"id": list(range(101))}).train_test_split(0.1, seed=42)
    assert [int(item.picture.id) for item in held] == sorted(theirs["test"]["id"])
    assert [int(item.picture.id) for item in rest] == sorted(theirs["train"]["id"])


def test_equal_pictures_stay_on_one_side():
    for seed in range(20):
        rest, held = split_at_random(items("aabbccdd"), 0.25, seed=seed)
        assert len(held) == 2
        assert len({item.picture.content for item in held}) == 1
        assert len(rest) == 6


@pytest.mark.parametrize("fraction", [0, 1, 1.5, -0.1])
def test_a_fraction_lies_between_0_and_1(fraction):
    with pytest.raises(UsageError, match=str(fraction)):
        split_at_random(items("ab"), fraction)
