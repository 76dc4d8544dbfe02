"""The way from noise to what a guide takes for the prompts, on an encoder of mean colours whose answers are known."""

import pytest
import torch
from PIL import Image

from mirante.errors import UsageError
from mirante.imagine import Wish, best_first, imagine, similarity
from mirante.imagine.cutouts import Cutouts
from mirante.imagine.guide import Guide
from mirante.imagine.optimise import Steps, optimise, total_variation
from mirante.imagine.parametrisations import Drawing, open_parametrisation
from mirante.types import Term

FAST = Steps(40, rate=0.1, cutouts=Cutouts(4, noise=0.0), preview_every=15)


@pytest.mark.parametrize("kind", ["pixels", "fourier"])
@pytest.mark.parametrize(("word", "axis"), [("red", 0), ("blue", 2)])
def test_a_picture_takes_the_colour_that_was_asked_for(kind: str, word: str, axis: int, colours) -> None:
    (found,) = imagine(Wish((Term(1.0, word),), kind, size=16, steps=FAST), colours)
    mean = [sum(band) / 256 for band in zip(*found.image.get_flattened_data(), strict=True)]
    assert mean[axis] == max(mean)
    assert mean[axis] > 2 * sorted(mean)[1]
    assert found.similarity > 0.85


def test_it_comes_between_two_prompts_and_moves_away_from_a_third(colours) -> None:
    both = (Term(1.0, "red"), Term(1.0, image=Image.new("RGB", (4, 4), "blue")), Term(-1.0, "green"))
    (found,) = imagine(Wish(both, "pixels", size=16, steps=FAST), colours)
    row = colours.encode_images([found.image])[0]
    assert row.tolist() == pytest.approx([0.707, 0, 0.707], abs=0.1)


def test_previews_come_on_time_and_the_last_is_the_picture(colours) -> None:
    heard = []
    wish = Wish((Term(1.0, "red"),), "pixels", seeds=(3,), size=16, steps=FAST)
    (found,) = imagine(wish, colours, lambda seed, step, image: heard.append((seed, step, image)))
    assert [(seed, step) for seed, step, _ in heard] == [(3, 15), (3, 30), (3, 40)]
    assert [step for step, _ in found.way] == [15, 30, 40]
    assert found.image is heard[-1][2]


def test_a_seed_draws_the_same_again_and_another_draws_otherwise(colours) -> None:
    steps = Steps(3, cutouts=Cutouts(1, 1.0, turn=0.0, tint=0.0, noise=0.0))
    wish = Wish((Term(1.0, "red"),), "fourier", seeds=(0, 1), size=16, steps=steps)
    first, second = imagine(wish, colours)
    again, _ = imagine(wish, colours)
    assert first.image.tobytes() == again.image.tobytes()
    assert first.image.tobytes() != second.image.tobytes()


def test_the_best_comes_first(colours) -> None:
    few = imagine(Wish((Term(1.0, "red"),), "pixels", size=16, steps=Steps(1)), colours)
    many = imagine(Wish((Term(1.0, "red"),), "pixels", seeds=(1,), size=16, steps=FAST), colours)
    found = best_first([*few, *many])
    assert [one.seed for one in found] == [1, 0]
    assert found[0].similarity == similarity(found[0].image, (Term(1.0, "red"),), colours)


def test_total_variation_by_hand_and_what_its_weight_does(colours) -> None:
    assert float(total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]]))) == pytest.approx(1.0)
    rough, smooth = (
        next(iter(imagine(Wish((Term(1.0, "red"),), "pixels", size=16, steps=Steps(40, 0.03, weight)), colours)))
        for weight in (0.0, 5.0)
    )
    levels = [
        torch.tensor(list(one.image.tobytes())).reshape(1, 16, 16, 3).movedim(3, 1).float() for one in (rough, smooth)
    ]
    assert total_variation(levels[1]) < 0.8 * total_variation(levels[0])


def test_distances_fall(colours) -> None:
    guide = Guide(colours)
    drawn = open_parametrisation("pixels", Drawing(16))
    way = optimise(drawn, guide, guide.aims([Term(1.0, "green")]), steps=Steps(30, 0.01, preview_every=10))
    far = [one.distance for one in way]
    assert far[0] > far[1] > far[2]


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1,)])
def test_seeds_that_make_no_sense_are_refused(seeds: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="whole numbers from 0, each once"):
        Wish((Term(1.0, "red"),), seeds=seeds)


def test_steps_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="1 step or more"):
        Steps(0)
