"""Which labels there are, and the row that stands for each."""

from pathlib import Path

import numpy as np
import pytest

from mirante import encoders
from mirante.classification import Label, class_rows, read_labels, read_templates
from mirante.classification.labels import labels_of
from mirante.errors import UnknownName, UsageError


class Words:
    """A text is the vector written behind its name: `cat near` is east, `cat far` north, `dog …` always south."""

    def encode_texts(self, texts):
        rows = {"cat near": (1, 0), "cat far": (0, 1), "dog near": (0, -1), "dog far": (0, -1)}
        return np.array([rows[text] for text in texts], np.float32)


def test_labels_are_written_with_commas_or_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("# animals\nfish = peixe\n\ncat\n", encoding="utf-8")
    assert read_labels("cat, hot dog") == (Label("cat", "cat"), Label("hot dog", "hot dog"))
    assert read_labels(str(file)) == (Label("fish", "peixe"), Label("cat", "cat"))


@pytest.mark.parametrize(
    ("given", "message"),
    [("cat", "gives 1 labels"), ("nowhere.txt", "is its path right"), ("a,b,a", "'a' stands twice")],
)
def test_labels_that_cannot_be_chosen_among_are_refused(given: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_labels(given)


def test_labels_of_the_data_are_sorted_and_read_as_words() -> None:
    assert labels_of(["polar_bear", "cat", "cat"]) == (Label("cat", "cat"), Label("polar_bear", "polar bear"))


def test_a_label_is_the_unit_mean_of_its_prompts() -> None:
    rows = class_rows(Words(), [Label("gato", "cat"), Label("dog", "dog")], ["{} near", "{} far"])
    np.testing.assert_allclose(rows, [[0.5**0.5, 0.5**0.5], [0, -1]], atol=1e-7)
    assert rows.dtype == np.float32


def test_prompts_that_cancel_out_are_refused() -> None:
    class Opposed:
        def encode_texts(self, texts):
            return np.array([(1, 0) if "near" in text else (-1, 0) for text in texts], np.float32)

    with pytest.raises(UsageError, match="'cat' cancel out"):
        class_rows(Opposed(), [Label("cat", "cat")], ["{} near", "{} far"])


def test_prompts_reach_the_model_with_the_words_in_their_place() -> None:
    red = class_rows(encoders.load("toy"), [Label("r", "vermelho")], ["um quadrado {} e azul"])[0]
    assert sorted(np.flatnonzero(red).tolist()) == [0, 4], "the axes of red and of blue"


@pytest.mark.parametrize("language", ["en", "pt"])
@pytest.mark.parametrize(("name", "least"), [("name", 1), ("simple", 1), ("imagenet", 20)])
def test_packaged_templates_exist_in_both_languages(name: str, least: int, language: str) -> None:
    found = read_templates(name, language)
    assert len(found) >= least
    assert len(set(found)) == len(found)
    assert all(one.count("{}") == 1 for one in found)


def test_templates_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("um desenho de {}\n\n{} à noite\n", encoding="utf-8")
    assert read_templates(str(file)) == ("um desenho de {}", "{} à noite")
    file.write_text("um desenho\n", encoding="utf-8")
    with pytest.raises(UsageError, match="the line 'um desenho'"):
        read_templates(str(file))


def test_unknown_sets_and_languages_are_answered_with_the_known() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'simple'"):
        read_templates("simpel")
    with pytest.raises(UnknownName, match="Valid: en, pt"):
        read_templates("simple", "de")
