"""What the intervals and tests claim, checked by simulation; benchmarks/intervals.py is the world and its printer.

Seeds are fixed, so a share is the same every time. Where few samples are drawn, what is aimed at is widened by
`ERRORS` standard errors of a share of so many samples: outside of that, chance alone is no excuse (1 in 200).
"""

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mirante.evaluation.clusters import Clusters

FEW, MANY = 500, 2000
ERRORS = 2.81
COVERAGE, SIZE = (0.93, 0.97), (0.04, 0.06)


@pytest.fixture(scope="module")
def world() -> ModuleType:
    """The benchmark as a module."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "intervals.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_intervals", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def within(share: float, aim: tuple[float, float], samples: int) -> bool:
    """Whether a share of `samples` can be of a world whose share lies in `aim`."""
    low, high = (end * samples for end in aim)
    room = [ERRORS * math.sqrt(end * (1 - end) * samples) for end in aim]
    return low - room[0] <= share * samples <= high + room[1]


def test_the_room_is_that_of_chance() -> None:
    """2.81 times √(0.93 · 0.07 / 500) = 0.032 below, 2.81 times √(0.97 · 0.03 / 500) = 0.021 above."""
    shares = [0.896, 0.900, 0.990, 0.994]
    assert [within(share, COVERAGE, 500) for share in shares] == [False, True, True, False]


def test_the_worlds_have_the_values_that_they_claim(world: ModuleType) -> None:
    cells = [cell for cell in world.CELLS if not cell.median and not cell.images_ask]
    assert len(cells) == 9
    for cell in cells:
        assert cell.truth(0.3) == pytest.approx(cell.value, abs=1e-4)


def test_intervals_hold_the_truth_about_as_often_as_they_claim(world: ModuleType) -> None:
    cells = [world.Cell("hit_rate@1", 0.5), world.Cell("mrr", 0.5), world.Cell("median_rank", 20.0)]
    found = world.coverage(100, cells=cells, replications=FEW)
    assert set(found) == {(method, cell) for method in ("percentile", "bca") for cell in cells}
    for which, (held, above, below) in found.items():
        assert within(held, COVERAGE, FEW), which
        assert held + above + below == pytest.approx(1)


def test_intervals_that_take_captions_for_images_do_not(world: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the clusters are for: the five captions of an image are no five observations."""
    cell = world.Cell("mrr", 0.5)
    alone = Clusters.of([str(at) for at in range(200)])
    monkeypatch.setattr(world.Cell, "clusters", lambda self, images: alone)
    settings = {"cells": [cell], "replications": 200, "correlation": 0.7}
    for held, _, _ in world.coverage(40, **settings).values():
        assert not within(held, COVERAGE, 200)
    flips, bootstrap, _ = world.size(40, draws=200, **settings)[cell]
    assert not within(flips, SIZE, 200)
    assert not within(bootstrap, SIZE, 200)


def test_equal_models_are_told_apart_about_as_often_as_the_tests_claim(world: ModuleType) -> None:
    cells = [world.Cell("hit_rate@1", 0.5), world.Cell("mrr", 0.5)]
    for cell, (flips, bootstrap, _) in world.size(100, cells=cells, replications=FEW, draws=500).items():
        assert within(flips, SIZE, FEW), cell
        assert within(bootstrap, SIZE, FEW), cell


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("images", [100, 300])
def test_95_percent_intervals_hold_the_truth_in_93_to_97_of_100_samples(world: ModuleType, images: int) -> None:
    found = world.coverage(images, replications=MANY)
    held = {cell: found["bca", cell][0] for cell in world.CELLS}
    narrow = {world.Cell("mrr", 0.02), world.Cell("map", 0.02, images_ask=True)} if images == 100 else set()
    assert {cell: share for cell, share in held.items() if not 0.93 <= share <= 0.97 and cell not in narrow} == {}
    for cell in narrow:  # two or three right answers in 100 images carry the whole figure: known, and written down
        percentile, _, below = found["percentile", cell]
        assert 0.90 <= held[cell] < 0.94
        assert percentile < held[cell] - 0.01  # why BCa is the default
        assert below > 0.06  # the figure has a long tail, and the percentile interval ends on the other side


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("images_ask", [False, True])
def test_equal_models_are_told_apart_in_5_of_100_samples(world: ModuleType, images_ask: bool) -> None:
    cells = [cell for cell in world.CELLS if cell.images_ask is images_ask and cell.value == 0.5]
    assert len(cells) == 3
    for cell, (flips, bootstrap, _) in world.size(300, cells=cells, replications=MANY).items():
        assert within(flips, SIZE, MANY), cell
        assert within(bootstrap, SIZE, MANY), cell


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_few_answers_right_or_wrong_make_the_test_careful_never_bold(world: ModuleType) -> None:
    """With ten right answers in 500 p comes in coarse steps, and 5 % is reached from below."""
    rare = [world.Cell("hit_rate@1", 0.02), world.Cell("hit_rate@1", 0.95)]
    for cell, (flips, _, _) in world.size(100, cells=rare, replications=MANY, draws=500).items():
        assert 0.01 <= flips <= 0.06, cell


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_smallest_difference_is_found_in_about_80_of_100_samples(world: ModuleType) -> None:
    cells = [world.Cell(name, 0.5) for name in ("hit_rate@1", "ndcg@10")]
    found = world.power(300, cells=cells, replications=MANY, draws=500)
    for cell, share in found.items():
        assert 0.75 <= share <= 0.84, cell
