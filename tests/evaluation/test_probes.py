"""Scores of the probes: an encoder that knows all scores 1, one that knows nothing scores 0, chance is stated.

The drawings are replaced by pictures that carry their scene, so that a stand-in can know everything exactly.
"""

import re
from functools import cache
from itertools import product

import numpy as np
import pytest
from PIL import Image

from mirante.datasets.scenes.probes import minimal_pairs
from mirante.datasets.scenes.world import BACKGROUNDS, COLOURS, KINDS, PATTERNS, RELATIONS, SIZES
from mirante.evaluation import probes
from mirante.evaluation.probes import probe

PLACES = {
    "on the beach": "beach", "in the city": "city", "in the desert": "desert", "in a green field": "field",
    "at night": "night", "under water": "sea", "in the snow": "snow", "at sunset": "sunset",
}  # fmt: skip
TURNED = {"left": "right", "right": "left", "above": "below", "below": "above"}
COUNTS = {"a": 1, "an": 1, "two": 2, "three": 3, "four": 4}
SIDES = r" (?:to the (left|right) of|(above|below)) "
FACTS = {
    fact: at
    for at, fact in enumerate(
        [*KINDS, *product(KINDS, [*COLOURS, *SIZES, *PATTERNS, 1, 2, 3, 4, *RELATIONS]), *BACKGROUNDS]
    )
}
CHANCE = {"object": 1 / 20, "colour": 1 / 10, "count": 1 / 4, "size": 1 / 2, "relation": 1 / 4, "background": 1 / 8}


def facts_of_text(text):
    """`"two red fish at night"` → fish, (fish, red), (fish, 2), night."""
    found = set()
    for phrase, place in PLACES.items():
        if text.endswith(f" {phrase}"):
            found.add(place)
            text = text.removesuffix(f" {phrase}")
    first, *more = re.split(SIDES, text)
    sides = [side for side in more[:-1] if side]
    groups = [(first, sides[0] if sides else None)]
    groups += [(more[-1], TURNED[sides[0]])] if more else []
    for words, side in groups:
        count, *looks, noun = words.split()
        noun = {"butterflies": "butterfly"}.get(noun, noun if noun in KINDS else noun.removesuffix("s"))
        found |= {noun, (noun, COUNTS[count]), *((noun, look) for look in looks)}
        if side:
            found.add((noun, side))
    return found


def facts_of_scene(scene):
    found = {scene.background}
    for at, thing in enumerate(scene.things):
        count = 1 if scene.relation else len(scene.things)
        found |= {thing.kind, *((thing.kind, look) for look in (thing.colour, thing.size, thing.pattern, count))}
        if scene.relation:
            found.add((thing.kind, scene.relation if at == 0 else TURNED[scene.relation]))
    return found


class Knows:
    """Rows that hold every fact but those it forgets: a text is nearest to the pictures that it is true of.

    The last axis fills pictures up to one length, so that none is near because it shows little.
    """

    dim = len(FACTS) + 1

    def __init__(self, forgets=lambda fact: False):
        self.forgets = forgets

    def _row(self, facts):
        row = np.zeros(self.dim, dtype=np.float32)
        row[[FACTS[fact] for fact in facts if not self.forgets(fact)]] = 1
        return row

    def encode_images(self, images):
        rows = np.stack([self._row(facts_of_scene(image.info["scene"])) for image in images])
        rows[:, -1] = np.sqrt(20 - rows.sum(axis=1))
        return rows / np.sqrt(20, dtype=np.float32)

    def encode_texts(self, texts):
        rows = np.stack([self._row(facts_of_text(text)) for text in texts])
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)


class Constant:
    """One row for everything."""

    dim = 3

    def encode_images(self, images):
        return np.full((len(images), 3), 3**-0.5, dtype=np.float32)

    encode_texts = encode_images


@pytest.fixture(scope="module")
def drawn():
    """Pictures that carry their scene instead of showing it; gives the resolutions that were asked for."""
    resolutions = set()

    def carry(scene, resolution):
        resolutions.add(resolution)
        image = Image.new("RGB", (1, 1))
        image.info["scene"] = scene
        return image

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probes, "draw", carry)
        patch.setattr(probes, "GALLERY", "test-1000")
        for asked in ("choices", "minimal_pairs"):
            patch.setattr(probes.probes, asked, cache(getattr(probes.probes, asked)))
        yield resolutions


@pytest.fixture(scope="module")
def perfect(drawn):
    return probe(Knows())


@pytest.fixture(scope="module")
def ignorant(drawn):
    return probe(Constant())


SWAPS = ("kind", "colour", "size", "side")
PAIRS = [f"swap-{what} ({score})" for what in SWAPS for score in ("text", "image", "group")]
FREE = "free queries precision@5"


def test_the_facts_of_the_stand_in_are_right():
    assert facts_of_text("two red fish at night") == {"fish", ("fish", "red"), ("fish", 2), "night"}
    assert facts_of_text("an orange fish to the left of a small star") == {
        "fish", ("fish", "orange"), ("fish", 1), ("fish", "left"),
        "star", ("star", "small"), ("star", 1), ("star", "right"),
    }  # fmt: skip


def test_every_probe_has_its_name(perfect):
    assert list(perfect) == [*CHANCE, *PAIRS, FREE]


def test_who_knows_everything_is_always_right(perfect):
    assert {name: score.right.value for name, score in perfect.items()} == dict.fromkeys(perfect, 1.0)


def test_who_cannot_tell_anything_apart_is_never_right(ignorant):
    """A tie is wrong, in forced choices and in every score of minimal pairs."""
    asked = [*CHANCE, *PAIRS]
    assert {name: ignorant[name].right.value for name in asked} == dict.fromkeys(asked, 0.0)


def test_who_cannot_tell_anything_apart_finds_free_queries_by_chance_only(ignorant):
    assert ignorant[FREE].right.value < 5 * ignorant[FREE].chance


def test_chance_is_one_over_the_texts_and_winogrounds_for_pairs(perfect):
    assert {name: perfect[name].chance for name in CHANCE} == CHANCE
    levels = {"text": 1 / 4, "image": 1 / 4, "group": 1 / 6}
    assert {name: perfect[name].chance for name in PAIRS} == {name: levels[name.split("(")[1][:-1]] for name in PAIRS}
    assert 0.005 < perfect[FREE].chance < 0.1


def test_the_number_of_questions_is_stated(perfect):
    assert {name: perfect[name].questions for name in CHANCE} == dict.fromkeys(CHANCE, 500)
    assert {perfect[name].questions for name in PAIRS} == {300}
    assert perfect[FREE].questions > 50


def test_pictures_are_drawn_at_the_size_of_the_data_set(perfect, drawn):
    assert drawn == {128}


def test_intervals_are_wilsons(perfect, ignorant):
    """500 right of 500, and none: 1.96² / (500 + 1.96²) = 0.00762 from the end."""
    right, wrong = perfect["object"].right, ignorant["object"].right
    assert (right.low, right.high) == pytest.approx((1 - 0.00762, 1), abs=1e-5)
    assert (wrong.low, wrong.high) == pytest.approx((0, 0.00762), abs=1e-5)


@pytest.mark.parametrize(
    ("forgotten", "swap"), [(COLOURS, "colour"), (SIZES, "size"), (RELATIONS, "side")], ids=lambda one: str(one)[:8]
)
def test_who_forgets_an_attribute_fails_its_own_probe_only(drawn, forgotten, swap):
    """Facts of one attribute are not known: ties there, full marks elsewhere."""
    scores = probe(Knows(lambda fact: isinstance(fact, tuple) and fact[1] in forgotten))
    asked = {"side": "relation"}.get(swap, swap)
    assert scores[asked].right.value == 0
    assert scores[f"swap-{swap} (group)"].right.value == 0
    others = [*CHANCE, *(f"swap-{one} (group)" for one in SWAPS)]
    assert {scores[name].right.value for name in others if name not in (asked, f"swap-{swap} (group)")} == {1.0}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ([[2, 1], [1, 2]], {"text": 1, "image": 1, "group": 1}),
        ([[4, 5], [3, 6]], {"text": 1, "image": 0, "group": 0}),  # both texts prefer the second picture
        ([[4, 3], [5, 6]], {"text": 0, "image": 1, "group": 0}),  # both pictures prefer the second text
        ([[1, 2], [2, 1]], {"text": 0, "image": 0, "group": 0}),
        ([[1, 1], [1, 1]], {"text": 0, "image": 0, "group": 0}),
    ],
)
def test_text_image_and_group_scores_are_winogrounds(drawn, table, expected):
    """One pair whose scores, texts × pictures, are those of the table."""
    (pair,) = minimal_pairs("colour", count=1)
    found = probes._winoground(Table(pair, table), [pair])
    assert {name: right.tolist() for name, (right, _) in found.items()} == {n: [v] for n, v in expected.items()}


class Table:
    """An encoder whose texts and pictures of one pair score as the table says."""

    def __init__(self, pair, table):
        self.pair, self.table, self.dim = pair, np.array(table, dtype=np.float32), 2

    def encode_images(self, images):
        return np.eye(2, dtype=np.float32)[[self.pair.scenes.index(image.info["scene"]) for image in images]]

    def encode_texts(self, texts):
        return self.table[[self.pair.texts.index(text) for text in texts]]
