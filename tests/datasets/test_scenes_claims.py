"""What a caption claims, and of which scenes it is true: by hand, and against plain loops on random scenes."""

import numpy as np
import pytest
from scenes_read import true_of

from mirante.datasets.scenes import claims
from mirante.datasets.scenes.claims import Claim, Group, full, partial, truth, turned
from mirante.datasets.scenes.world import BACKGROUNDS, RELATIONS, Scene, Thing, sample, swap


def thing(kind, colour, size="large", pattern="plain"):
    return Thing(kind, colour, size, pattern, 0.5, 0.5, 0.4)


ONE_STAR = Scene((thing("star", "yellow", "small", "striped"),), "night", "flat", 1)
THREE_STARS = Scene((thing("star", "red"),) * 3, "beach", "ink", 2)
STAR_LEFT_OF_CAR = Scene((thing("star", "red", "small", "dotted"), thing("car", "blue")), "snow", "flat", 3, "left")
STAR_ABOVE_FISH = Scene((thing("star", "green"), thing("fish", "white")), "sea", "crayon", 4, "above")
GALLERY = [ONE_STAR, THREE_STARS, STAR_LEFT_OF_CAR, STAR_ABOVE_FISH]

STAR, CAR, FISH = Group("star"), Group("car"), Group("fish")


@pytest.mark.parametrize(
    ("says", "claim", "true"),
    [
        ("a star", Claim((STAR,)), [1, 0, 1, 1]),
        ("stars", Claim((Group("star", count=None),)), [1, 1, 1, 1]),
        ("three stars", Claim((Group("star", count=3),)), [0, 1, 0, 0]),
        ("two stars", Claim((Group("star", count=2),)), [0, 0, 0, 0]),
        ("red stars", Claim((Group("star", "red", count=None),)), [0, 1, 1, 0]),
        ("a red star", Claim((Group("star", "red"),)), [0, 0, 1, 0]),
        ("a striped star", Claim((Group("star", pattern="striped"),)), [1, 0, 0, 0]),
        ("a small star", Claim((Group("star", size="small"),)), [1, 0, 1, 0]),
        ("a blue star", Claim((Group("star", "blue"),)), [0, 0, 0, 0]),
        ("a red thing", Claim((Group(None, "red"),)), [0, 0, 1, 0]),
        ("a fish", Claim((FISH,)), [0, 0, 0, 1]),
        ("a star at night", Claim((STAR,), None, "night"), [1, 0, 0, 0]),
        ("a star in the snow", Claim((STAR,), None, "snow"), [0, 0, 1, 0]),
        ("a star and a car", Claim((STAR, CAR)), [0, 0, 1, 0]),
        ("a car and a star", Claim((CAR, STAR)), [0, 0, 1, 0]),
        ("two things, nothing else", Claim((Group(), Group())), [0, 0, 1, 1]),
        ("a star left of a car", Claim((STAR, CAR), "left"), [0, 0, 1, 0]),
        ("a car right of a star", Claim((CAR, STAR), "right"), [0, 0, 1, 0]),
        ("a car left of a star", Claim((CAR, STAR), "left"), [0, 0, 0, 0]),
        ("a star right of a car", Claim((STAR, CAR), "right"), [0, 0, 0, 0]),
        ("a fish below a star", Claim((FISH, STAR), "below"), [0, 0, 0, 1]),
        ("a fish above a star", Claim((FISH, STAR), "above"), [0, 0, 0, 0]),
        ("a thing above a thing", Claim((Group(), Group()), "above"), [0, 0, 0, 1]),
        ("a thing below a thing", Claim((Group(), Group()), "below"), [0, 0, 0, 1]),
        ("a star left of a car at night", Claim((STAR, CAR), "left", "night"), [0, 0, 0, 0]),
        ("a red star and a red car", Claim((Group("star", "red"), Group("car", "red"))), [0, 0, 0, 0]),
        ("a star and a star", Claim((STAR, STAR)), [0, 0, 0, 0]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_truth_of_claims_told_by_hand(says, claim, true):
    assert truth([claim], GALLERY).astype(int).tolist() == [true]


def scene_at(number):
    """Few backgrounds, so that random claims are true often."""
    scene = sample(np.random.default_rng((60, number)))
    return Scene(scene.things, BACKGROUNDS[number % 2], scene.style, scene.seed, scene.relation)


def claim_at(number, scenes):
    """Alternately a partial claim of some scene, and a random claim of few words."""
    rng = np.random.default_rng((61, number))
    if number % 2:
        return partial(scenes[int(rng.integers(len(scenes)))], rng)

    def maybe(options):
        return options[int(rng.integers(len(options)))] if rng.random() < 0.4 else None

    def group():
        words = [maybe(one) for one in (("star", "car", "fish"), ("red", "blue"), ("small", "large"))]
        return Group(*words, maybe(("striped", "plain")), [None, 1, 1, 2, 3][int(rng.integers(5))])

    two = rng.random() < 0.5
    return Claim((group(), group()) if two else (group(),), maybe(RELATIONS) if two else None, maybe(BACKGROUNDS[:2]))


def test_truth_agrees_with_plain_loops_on_random_scenes_and_claims():
    scenes = [scene_at(number) for number in range(250)]
    told = [claim_at(number, scenes) for number in range(300)]
    slow = np.array([[true_of(claim, scene) for scene in scenes] for claim in told])
    fast = truth(told, scenes)
    assert fast.dtype == np.bool_
    assert fast.shape == (300, 250)
    assert np.argwhere(fast != slow).tolist() == []
    assert 0.01 < slow.mean() < 0.5


def test_truth_of_nothing_is_empty():
    assert truth([], GALLERY).shape == (0, 4)
    assert truth([Claim((STAR,))], []).shape == (1, 0)


SCENES = [sample(np.random.default_rng((62, number))) for number in range(300)]


def test_a_full_claim_is_true_of_its_scene_and_says_all_but_plain():
    assert truth([full(scene) for scene in SCENES], SCENES).diagonal().all()
    assert full(ONE_STAR) == Claim((Group("star", "yellow", "small", "striped", 1),), None, "night")
    assert full(THREE_STARS) == Claim((Group("star", "red", "large", None, 3),), None, "beach")
    assert full(STAR_LEFT_OF_CAR) == Claim(
        (Group("star", "red", "small", "dotted"), Group("car", "blue", "large")), "left", "snow"
    )


def test_partial_claims_are_true_of_their_scene():
    told = [partial(scene, np.random.default_rng(number)) for number, scene in enumerate(SCENES)]
    assert truth(told, SCENES).diagonal().all()


def test_partial_claims_name_a_kind_and_nothing_that_the_full_claim_does_not():
    for number, scene in enumerate(SCENES):
        told, whole = partial(scene, np.random.default_rng(number)), full(scene)
        assert told.background in (None, whole.background)
        assert told.relation in (None, whole.relation)
        for group in told.groups:
            (source,) = [one for one in whole.groups if one.kind == group.kind]
            assert group.colour in (None, source.colour)
            assert group.size in (None, source.size)
            assert group.pattern in (None, source.pattern)
            assert group.count in (None, source.count)


def test_partial_claims_differ_from_draw_to_draw_and_repeat_with_the_generator():
    drawn = [partial(STAR_LEFT_OF_CAR, np.random.default_rng(seed)) for seed in range(40)]
    assert len(set(drawn)) > 10
    assert drawn == [partial(STAR_LEFT_OF_CAR, np.random.default_rng(seed)) for seed in range(40)]


def test_a_claim_of_one_thing_cannot_be_turned():
    assert turned(Claim((STAR,), None, "sea")) == Claim((STAR,), None, "sea")


def test_a_turned_claim_is_told_from_the_other_thing_and_equally_true():
    assert turned(Claim((STAR, CAR), "left", "sea")) == Claim((CAR, STAR), "right", "sea")
    assert turned(Claim((STAR, CAR))) == Claim((CAR, STAR))
    told = [full(scene) for scene in SCENES]
    assert (truth([turned(claim) for claim in told], SCENES) == truth(told, SCENES)).all()


@pytest.mark.parametrize("what", ["kind", "colour", "size", "side"])
def test_neither_of_two_partners_has_the_others_full_claim(what):
    for scene in SCENES:
        partner = swap(scene, what)
        if partner:
            both = [scene, partner]
            assert truth([full(one) for one in both], both).tolist() == [[True, False], [False, True]]


def test_codes_hold_what_claims_can_be_about():
    codes = claims.scene_codes([STAR_LEFT_OF_CAR, THREE_STARS])
    assert (codes.shape, codes.dtype) == ((2, 12), np.int8)
    #        star red small dotted 1 | car blue large plain 1 | snow left
    assert codes[0].tolist() == [17, 0, 0, 2, 1, 6, 4, 1, 0, 1, 6, 0]
    assert codes[1].tolist() == [17, 0, 1, 0, 3, -2, -2, -2, -2, -2, 0, -2]
