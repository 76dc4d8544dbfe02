"""What encoding costs: seconds of each item, remembered beside the cache, and their money."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mirante.cost import timing
from mirante.cost.timing import Timed, taken
from mirante.types import Provenance


class Slow:
    """Two seconds a picture, half a second a text, ten seconds more for the first call."""

    device = "cpu"
    dim = 2

    def __init__(self, clock: SimpleNamespace, model: str = "slow") -> None:
        self.clock, self.provenance, self.warm = clock, Provenance(model, "r", "p"), False

    def encode_images(self, images: Any) -> Any:
        return self._rows(images, 2.0)

    def encode_texts(self, texts: Any) -> Any:
        return self._rows(texts, 0.5)

    def _rows(self, items: Any, seconds: float) -> Any:
        self.clock.now += seconds * len(items) + (0 if self.warm else 10)
        self.warm = True
        return np.tile(np.float32([1, 0]), (len(items), 1))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    made = SimpleNamespace(now=0.0)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: made.now))
    return made


def encoded(clock: SimpleNamespace, model: str = "slow") -> Timed:
    timed = Timed(Slow(clock, model))
    for _ in range(2):
        assert timed.encode_images([Image.new("RGB", (2, 2))] * 4).shape == (4, 2)
    timed.encode_texts(["a", "b"])
    return timed


def test_the_first_call_does_not_count_where_there_are_others(clock: SimpleNamespace) -> None:
    timed = encoded(clock)
    assert (timed.each("images"), timed.each("texts")) == (2.0, 0.5)
    assert Timed(Slow(clock)).each("images") is None


def test_money_by_hand(clock: SimpleNamespace) -> None:
    """At 3.6 dollars an hour a second is a tenth of a cent: 1,000 texts of half a second are 50 cents."""
    told = taken(encoded(clock), usd_per_hour=3.6)
    assert told == {
        "device": "cpu",
        "seconds_per_image": 2.0,
        "seconds_per_text": 0.5,
        "usd_per_hour": 3.6,
        "usd_per_1000_texts": pytest.approx(0.5),
        "usd_per_1000_images": pytest.approx(2.0),
        "training": None,
    }


def test_without_a_price_there_is_no_money(clock: SimpleNamespace) -> None:
    told = taken(encoded(clock)) or {}
    assert told["usd_per_hour"] is None
    assert "usd_per_1000_texts" not in told


def test_what_a_cache_gave_costs_what_it_cost_then(clock: SimpleNamespace, tmp_path: Path) -> None:
    kept = tmp_path / "embeddings" / "slow.cost.json"
    assert taken(Timed(Slow(clock)), kept) is None
    first = taken(encoded(clock), kept)
    assert taken(Timed(Slow(clock)), kept) == first


def test_the_cost_of_its_training_stands_beside_a_checkpoint(clock: SimpleNamespace, tmp_path: Path) -> None:
    known = {"schema": 1, "actual": {"hours": 2.0, "usd": 1.0, "peak_bytes": 9}, "predicted": None}
    (tmp_path / "cost.json").write_text(json.dumps(known), encoding="utf-8")
    told = taken(encoded(clock, str(tmp_path / "checkpoint"))) or {}
    assert told["training"] == {"actual": known["actual"], "predicted": None}
