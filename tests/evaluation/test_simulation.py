"""What the intervals and tests claim, checked by simulation; benchmarks/intervals.py is the world and its printer."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
SAMPLES = 1000  # standard error of a share near 0.95: 0.007


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


def test_the_worlds_have_the_values_that_they_claim(world: ModuleType) -> None:
    for cell in world.CELLS[:-1]:
        assert cell.truth() == pytest.approx(cell.value, abs=1e-4)


@pytest.mark.parametrize("images", [100, 300])
def test_95_percent_intervals_hold_the_truth_in_93_to_97_of_100_samples(world: ModuleType, images: int) -> None:
    found = world.coverage(images, replications=SAMPLES)
    held = {cell: found["bca", cell][0] for cell in world.CELLS}
    narrow = {world.Cell("mrr", 0.02)} if images == 100 else set()
    assert {cell: share for cell, share in held.items() if not 0.93 <= share <= 0.97 and cell not in narrow} == {}
    for cell in narrow:  # two or three right answers in 100 images carry the whole figure: known, and written down
        percentile, _, below = found["percentile", cell]
        assert 0.90 <= held[cell] < 0.94
        assert percentile < held[cell] - 0.01  # why BCa is the default
        assert below > 0.06  # the figure has a long tail, and the percentile interval ends on the other side


def test_equal_models_are_told_apart_in_5_of_100_samples(world: ModuleType) -> None:
    cells = [cell for cell in world.CELLS if cell.metric in ("mrr", "ndcg@10") or cell == world.Cell("hit_rate@1", 0.5)]
    found = world.size(300, cells=cells, replications=SAMPLES, draws=500)
    for cell, (flips, bootstrap, _) in found.items():
        assert 0.04 <= flips <= 0.06, cell
        assert 0.035 <= bootstrap <= 0.065, cell


def test_few_answers_right_or_wrong_make_the_test_careful_never_bold(world: ModuleType) -> None:
    """With ten right answers in 500 p comes in coarse steps, and 5 % is reached from below."""
    rare = [world.Cell("hit_rate@1", 0.02), world.Cell("hit_rate@1", 0.95)]
    for cell, (flips, _, _) in world.size(100, cells=rare, replications=SAMPLES, draws=500).items():
        assert 0.01 <= flips <= 0.06, cell


def test_the_smallest_difference_is_found_in_about_80_of_100_samples(world: ModuleType) -> None:
    cells = [world.Cell(name, 0.5) for name in ("hit_rate@1", "ndcg@10")]
    found = world.power(300, cells=cells, replications=SAMPLES, draws=500)
    for cell, share in found.items():
        assert 0.75 <= share <= 0.84, cell
