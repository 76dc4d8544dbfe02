"""What a scene is, and its minimal partners: one exchange, all else alike, and back again."""

from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest

from mirante.datasets.scenes import picture
from mirante.datasets.scenes.claims import full
from mirante.datasets.scenes.grammar import say
from mirante.datasets.scenes.world import (
    COLOURS,
    HELD_OUT_STYLES,
    KINDS,
    PATTERNS,
    SIZES,
    STYLES,
    SWAPS,
    TRAINING_STYLES,
    Scene,
    Thing,
    opposite,
    sample,
    sample_pair,
    swap,
)

STAR = Thing("star", "red", "small", "striped", 0.25, 0.5, 0.3)
CAR = Thing("car", "blue", "large", "plain", 0.75, 0.55, 0.4)
PAIR = Scene((STAR, CAR), "night", "flat", 7, "left")
FISH = Scene((Thing("fish", "red", "small", "plain", 0.5, 0.5, 0.4),), "sea", "ink", 3)

PAIRS = [sample_pair(np.random.default_rng((50, number))) for number in range(200)]
SCENES = [sample(np.random.default_rng((51, number))) for number in range(600)]


@pytest.mark.parametrize(
    ("what", "caption"),
    [
        ("kind", "a small striped red car to the left of a large blue star at night"),
        ("colour", "a small striped blue star to the left of a large red car at night"),
        ("size", "a large striped red star to the left of a small blue car at night"),
        ("side", "a small striped red star to the right of a large blue car at night"),
    ],
)
def test_the_caption_of_a_partner_is_the_caption_with_that_one_exchange(what, caption):
    assert say(full(PAIR)) == "a small striped red star to the left of a large blue car at night"
    assert say(full(swap(PAIR, what))) == caption


@pytest.mark.parametrize(
    ("what", "moved"),
    [("kind", {"kind"}), ("colour", {"colour"}), ("size", {"size", "extent"}), ("side", {"x", "y"})],
)
def test_partners_exchange_those_fields_and_keep_all_others(what, moved):
    for scene in PAIRS:
        partner = swap(scene, what)
        if partner is None:
            continue
        for field in (one.name for one in fields(Thing)):
            before = [getattr(thing, field) for thing in scene.things]
            after = [getattr(thing, field) for thing in partner.things]
            assert after == (before[::-1] if field in moved else before)
        relation = opposite(scene.relation) if what == "side" else scene.relation
        assert (partner.background, partner.style, partner.seed, partner.relation) == (
            scene.background,
            scene.style,
            scene.seed,
            relation,
        )


@pytest.mark.parametrize("what", SWAPS)
def test_the_partner_of_the_partner_is_the_scene_itself(what):
    for scene in PAIRS:
        partner = swap(scene, what)
        assert partner is None or (partner != scene and swap(partner, what) == scene)


def test_things_of_one_size_have_no_partner_by_size():
    assert swap(replace(PAIR, things=(STAR, replace(CAR, size="small"))), "size") is None
    assert swap(PAIR, "size") is not None


@pytest.mark.parametrize("what", SWAPS)
def test_a_scene_without_relation_has_no_partner(what):
    assert swap(FISH, what) is None


def test_relations_turn_round_into_each_other():
    assert {one: opposite(one) for one in ("left", "right", "above", "below")} == {
        "left": "right",
        "right": "left",
        "above": "below",
        "below": "above",
    }


def test_the_relation_is_where_the_things_stand():
    for scene in PAIRS:
        first, second = scene.things
        seen = {
            "left": first.x < second.x - 0.2,
            "right": first.x > second.x + 0.2,
            "above": first.y < second.y - 0.2,
            "below": first.y > second.y + 0.2,
        }
        assert seen[scene.relation]


def test_a_scene_is_one_thing_several_alike_or_two_of_different_kinds_and_colours():
    for scene in SCENES:
        looks = [(thing.kind, thing.colour, thing.size, thing.pattern) for thing in scene.things]
        if scene.is_pair:
            (kind, colour, *_), (other_kind, other_colour, *_) = looks
            assert len(looks) == 2
            assert kind != other_kind
            assert colour != other_colour
        else:
            assert 1 <= len(looks) <= 4
            assert len(set(looks)) == 1


def test_forms_are_three_three_and_four_tenths():
    forms = Counter("pair" if scene.is_pair else min(len(scene.things), 2) for scene in SCENES)
    shares = [forms[form] / len(SCENES) for form in (1, 2, "pair")]
    assert shares == pytest.approx([0.3, 0.3, 0.4], abs=0.07)


def test_every_value_of_every_attribute_occurs():
    things = [thing for scene in SCENES for thing in scene.things]
    assert {thing.kind for thing in things} == set(KINDS)
    assert {thing.colour for thing in things} == set(COLOURS)
    assert {thing.size for thing in things} == set(SIZES)
    assert {thing.pattern for thing in things} == set(PATTERNS)
    assert {scene.style for scene in SCENES} == set(TRAINING_STYLES)


def test_two_styles_are_held_out_of_training():
    assert set(STYLES) - set(TRAINING_STYLES) == set(HELD_OUT_STYLES) == {"mosaic", "chalk"}


def test_large_things_are_drawn_larger_than_small_ones():
    for form in (
        [scene for scene in SCENES if scene.is_pair],
        [scene for scene in SCENES if not scene.is_pair and len(scene.things) == 1],
        [scene for scene in SCENES if len(scene.things) > 1 and not scene.is_pair],
    ):
        extents = {size: [t.extent for s in form for t in s.things if t.size == size] for size in SIZES}
        assert max(extents["small"]) < min(extents["large"])


def test_the_same_generator_draws_the_same_scene():
    assert sample(np.random.default_rng(9)) == sample(np.random.default_rng(9))
    assert sample(np.random.default_rng(9)) != sample(np.random.default_rng(10))


def test_content_is_equal_for_equal_scenes():
    for number, scene in enumerate(SCENES[:50]):
        again = sample(np.random.default_rng((51, number)))
        assert again is not scene
        assert picture(again, "b").content == picture(scene, "a").content


@pytest.mark.parametrize(
    "change",
    [
        {"background": "sea"},
        {"style": "ink"},
        {"seed": 8},
        {"relation": "right"},
        {"things": (CAR, STAR)},
        {"things": (STAR,)},
        *({"things": (replace(STAR, **one), CAR)} for one in (
            {"kind": "cat"}, {"colour": "pink"}, {"size": "large"}, {"pattern": "plain"},
            {"x": 0.251}, {"y": 0.501}, {"extent": 0.301},
        )),
    ],
    ids=str,
)  # fmt: skip
def test_content_differs_with_anything_that_is_drawn(change):
    assert replace(PAIR, **change).content != PAIR.content


def test_no_two_of_many_scenes_share_their_content():
    assert len({scene.content for scene in [*SCENES, *PAIRS]}) == len(SCENES) + len(PAIRS)
