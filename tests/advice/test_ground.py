"""What there is to learn from, and how a run would read it: n, u, splits, held-out parts, folders of results."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mirante.advice.ground import Asked, from_results, resolved, survey
from mirante.datasets import ReadOptions
from mirante.errors import MiranteError
from mirante.training.config import Data
from mirante.types import Caption, Pairs, Picture

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes tables of (picture, caption) beside their pictures; a picture's number says its pixels."""

    def make(**splits: Sequence[tuple[int, str]]) -> Path:
        for split, rows in splits.items():
            for number, _ in rows:
                pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / f"{number}.png")
            with (tmp_path / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("image", "caption"), *((f"{number}.png", text) for number, text in rows)])
        return tmp_path

    return make


def test_n_counts_captioned_pictures_and_u_different_texts(write: Write) -> None:
    """Five rows: picture 1 twice, three texts but for case and space, one picture without a caption."""
    folder = write(data=[(1, "A cat"), (1, "a dog"), (2, " a CAT "), (3, "a bird"), (4, "")])
    found = survey(Asked(str(folder / "data.csv")))
    assert (found.rows, found.texts) == (3, 3)


def test_a_test_split_is_measured_and_the_train_split_learnt_from(write: Write) -> None:
    write(train=[(number, f"text {number}") for number in range(7)], test=[(9, "nine"), (10, "ten")])
    found = survey(Asked("scenes", ReadOptions(language="pt-BR"), limit=5))
    assert (found.measured, found.apart, found.rows) == ("scenes:test", True, 5)
    assert found.data == Data("scenes:train", validation="scenes:test", language="pt-BR", limit=5)
    assert len(found.again.images) == 5


def test_data_without_splits_are_learnt_from_but_a_tenth(write: Write) -> None:
    address = str(write(data=[(number, f"text {number}") for number in range(20)]) / "data.csv")
    found = survey(Asked(address, ReadOptions(text_column="caption")))
    assert (found.apart, found.rows) == (False, 20)
    assert (found.data.hold_out, found.data.validation, found.data.text_column) == (0.1, None, "caption")
    assert survey(Asked(found.data.address)).rows == 20, "the address of a run opens"


def test_a_split_that_was_named_is_all_there_is() -> None:
    found = survey(Asked("scenes:test-12"))
    assert (found.measured, found.apart, found.rows, found.data.hold_out) == ("scenes:test-12", False, 12, 0.1)


def test_other_data_to_learn_from_can_be_named() -> None:
    found = survey(Asked("scenes:test-4", train="scenes:chalk-train-9", retain="scenes:hard-6", retain_language="en"))
    assert (found.apart, found.rows, found.known.name) == (True, 9, "scenes:chalk-train-9")
    assert found.data == Data(
        "scenes:chalk-train-9", validation="scenes:test-4", retain="scenes:hard-6", retain_language="en"
    )


def test_only_captions_of_the_language_count() -> None:
    both, one = survey(Asked("scenes:test-4")), survey(Asked("scenes:test-4", ReadOptions(language="en")))
    assert (one.rows, both.rows) == (4, 4)
    assert one.texts < both.texts


def test_data_to_learn_from_that_are_not_there_are_refused() -> None:
    with pytest.raises(MiranteError, match="nowhere"):
        survey(Asked("scenes:test-4", train="nowhere.csv"))


def test_results_alone_know_what_was_measured() -> None:
    picture = Picture("a", "content", lambda: Image.new("RGB", (1, 1)))
    pairs = Pairs((picture,), (Caption("a#0", "a cat"),), {"a#0": frozenset("a")}, "hf:owner/name:test")
    found = from_results(pairs, "pt-BR", Asked("hf:owner/name"))
    assert (found.rows, found.texts, found.apart, found.decodes) == (1, 1, False, False)
    assert found.data == Data("hf:owner/name:test", hold_out=0.1, language="pt-BR")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("scenes:test", "scenes"),  # so that its train split is found
        ("scenes:test-12", "scenes:test-12"),
        ("scenes:train,test", "scenes:train,test"),
        ("photos.csv:all", "photos.csv:all"),
    ],
)
def test_a_folder_of_results_stands_for_its_data(tmp_path: Path, name: str, address: str) -> None:
    (tmp_path / "results.json").write_text("{}", encoding="utf-8")
    asked = Asked(str(tmp_path), train="other")
    assert resolved(asked, (name, "pt-BR")) == replace(asked, address=address, reading=ReadOptions(language="pt-BR"))


def test_any_other_address_stands_for_itself() -> None:
    assert resolved(Asked("scenes"), ("scenes:test", "")) == Asked("scenes")
    assert resolved(Asked("scenes"), None) == Asked("scenes")
