"""Which text fits which picture: scores of pairs and choices by hand, chance, clusters, unreadable pictures."""

from itertools import product

import numpy as np
import pytest
from PIL import Image

from mirante.datasets import Contrast
from mirante.errors import DataError, UnreadableImage
from mirante.evaluation.contrasts import choice_scores, contrasted, judge_contrasts, pair_scores
from mirante.evaluation.intervals import estimate
from mirante.types import Caption, Picture, Provenance

TABLES = {  # texts × pictures → text, image and group score
    "both": ([[0.6, 0.3], [0.2, 0.5]], (1, 1, 1)),
    "texts only": ([[0.4, 0.5], [0.3, 0.6]], (1, 0, 0)),  # both texts prefer the second picture
    "pictures only": ([[0.4, 0.3], [0.5, 0.6]], (0, 1, 0)),  # both pictures prefer the second text
    "ties": ([[0.5, 0.5], [0.5, 0.5]], (0, 0, 0)),
}


class Colours:
    """A picture of grey level n is axis n; a text lists its cosines with the first axes, `"0.6 0.3"`."""

    dim = 40
    provenance = Provenance("colours", "r", "p")

    def encode_images(self, images):
        return np.eye(self.dim, dtype=np.float32)[[image.getpixel((0, 0))[0] for image in images]]

    def encode_texts(self, texts):
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for at, cosine in enumerate(text.partition("#")[0].split()):
                row[at] = float(cosine)
            row[-1] = np.sqrt(max(0.0, 1 - float(row @ row)))
        return rows


def picture(level: int, name: str = "") -> Picture:
    return Picture(name or f"i{level}", f"c{level}", lambda: Image.new("RGB", (1, 1), (level, level, level)))


def caption(name: str, cosines: list[float], language: str = "en") -> Caption:
    return Caption(name, f"{' '.join(map(str, cosines))} #{name}", language)


def pair(name: str, table: list[list[float]], kind: str = "", language: str = "en") -> Contrast:
    texts = tuple(caption(f"{name}-{at}", row, language) for at, row in enumerate(table))
    return Contrast(name, kind or name, (picture(0), picture(1)), texts)


def choice(name: str, level: int, cosines: list[float], kind: str = "swap") -> Contrast:
    """About the picture of `level`: the first text has the first cosine with it, and so on."""
    texts = tuple(caption(f"{name}-{at}", [0.0] * level + [one]) for at, one in enumerate(cosines))
    return Contrast(name, kind, (picture(level, f"{name}-image"),), texts)


def values(found):
    return {name: one.value for name, one in found.metrics.items()}


@pytest.mark.parametrize("name", TABLES)
def test_text_image_and_group_score_of_one_pair(name):
    table, expected = TABLES[name]
    (found,) = judge_contrasts([pair("p", table)], Colours())
    assert values(found) == dict(zip(("text", "image", "group"), expected, strict=True))
    assert found.chance == {"text": 1 / 4, "image": 1 / 4, "group": 1 / 6}
    assert (found.questions, found.model, found.language) == (1, "colours", "en")


def test_all_pairs_together_then_each_kind_alone():
    asked = [pair(name, table, kind) for (name, (table, _)), kind in zip(TABLES.items(), "aabb", strict=True)]
    whole, first, second = judge_contrasts(asked, Colours(), data="d:test")
    assert (whole.kind, first.kind, second.kind) == ("", "a", "b")
    assert values(whole) == {"text": 0.5, "image": 0.5, "group": 0.25}
    assert values(first) == {"text": 1.0, "image": 0.5, "group": 0.5}
    assert values(second) == {"text": 0.0, "image": 0.5, "group": 0.0}
    assert {one.data for one in (whole, first, second)} == {"d:test"}


def test_each_language_is_summed_up_by_itself():
    asked = [pair("one", TABLES["both"][0], "k"), pair("um", TABLES["ties"][0], "k", "pt-BR")]
    assert [(one.language, one.questions, one.metrics["group"].value) for one in judge_contrasts(asked, Colours())] == [
        ("en", 1, 1.0),
        ("pt-BR", 1, 0.0),
    ]


def test_a_choice_is_right_when_the_true_text_scores_above_every_other():
    asked = [
        choice("right", 2, [0.9, 0.5]),
        choice("wrong", 3, [0.5, 0.9]),
        choice("tie", 4, [0.5, 0.5]),
        choice("one of two", 5, [0.8, 0.1, 0.9]),
    ]
    (found,) = judge_contrasts(asked, Colours())
    assert values(found) == {"choice": 0.25}
    assert found.chance == {"choice": pytest.approx((1 / 2 + 1 / 2 + 1 / 2 + 1 / 3) / 4)}


def test_questions_about_one_picture_are_one_cluster():
    """Eight pictures with three questions each; those of the odd ones are answered right."""
    right = {True: [0.9, 0.5], False: [0.5, 0.9]}
    asked = [choice(f"{level}-{n}", level, right[level % 2 == 1]) for level in range(1, 9) for n in range(3)]
    (found,) = judge_contrasts(asked, Colours())
    assert (found.questions, found.clusters) == (24, 8)
    answers = {"choice": np.array([level % 2 for level in range(1, 9) for _ in range(3)], np.float64)}
    together = estimate(answers, [str(level) for level in range(1, 9) for _ in range(3)])["choice"]
    alone = estimate(answers, [str(n) for n in range(24)])["choice"]
    assert found.metrics["choice"] == together
    assert together.high - together.low > 1.4 * (alone.high - alone.low)


def test_a_question_whose_picture_cannot_be_read_is_left_out_and_counted():
    def refuse():
        raise UnreadableImage("truncated", "cut short")

    broken = Contrast("x", "swap", (Picture("x", "x", refuse),), (caption("x-0", [1.0]), caption("x-1", [0.5])))
    (found,) = judge_contrasts([choice("right", 2, [0.9, 0.5]), broken], Colours())
    assert (found.questions, found.dropped, found.metrics["choice"].value) == (1, 1, 1.0)


def test_nothing_asked_is_nothing_answered():
    assert judge_contrasts([], Colours()) == []


def test_a_question_of_another_form_is_refused_by_name():
    three = Contrast("odd", "", (picture(0), picture(1)), tuple(caption(f"t{n}", [0.1]) for n in range(3)))
    with pytest.raises(DataError, match="'odd' has 2 pictures and 3 texts"):
        judge_contrasts([three], Colours())
    with pytest.raises(DataError, match="both choices and pairs"):
        judge_contrasts([pair("p", TABLES["both"][0], "k"), choice("c", 2, [0.9, 0.5], "k")], Colours())


def test_scores_of_many_pairs_are_those_of_a_plain_loop():
    tables = np.random.default_rng(0).integers(0, 4, (300, 2, 2)).astype(np.float32)  # ties included
    found = pair_scores(tables)
    for at, ((a, b), (c, d)) in enumerate(tables.tolist()):
        text, image = a > c and d > b, a > b and d > c
        assert [found[name][at] for name in ("text", "image", "group")] == [text, image, text and image]
    assert 0 < found["group"].mean() < found["text"].mean() < 1


def test_guessing_gives_the_stated_chance():
    """Of four different scores all 24 orders are equally likely: 6 are right by text, 6 by image, 4 by both."""
    orders = np.array([p for p in product(range(4), repeat=4) if len(set(p)) == 4], np.float32).reshape(-1, 2, 2)
    assert {name: right.mean() for name, right in pair_scores(orders).items()} == {
        "text": 6 / 24,
        "image": 6 / 24,
        "group": pytest.approx(4 / 24),
    }


def test_the_first_of_several_texts_must_be_alone_at_the_top():
    scores = np.array([[3, 2, 1], [3, 3, 1], [2, 1, 3]], np.float32)
    assert choice_scores(scores).tolist() == [1, 0, 0]


def test_answers_are_read_back_from_plain_values():
    from dataclasses import asdict

    (found,) = judge_contrasts([pair("p", TABLES["both"][0])], Colours())
    assert contrasted(asdict(found)) == found
