"""A saved evaluation as plain data: two models, both directions, equal captions shared and as given."""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

MODELS = ("openai/clip-vit-base-patch32", "embedded")
DIRECTIONS = ("text_to_image", "image_to_text")
HUES = ("firebrick", "gold", "seagreen", "steelblue", "mediumpurple", "sienna")
CAPTIONS = (
    "um gato laranja dorme sobre a manta azul",
    "three red fish near a boat",
    "a yellow star at night",
    "uma casa pequena à esquerda de uma árvore alta, sob um céu estrelado",
    "two dogs",
    "Sem título / Impressionismo",
)


def image_id(number: int) -> str:
    return f"images/{number:04d}.png"


def estimate(value: float, half: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": max(value - half, 0.0), "high": min(value + half, 1.0)}


def metrics(level: float) -> dict[str, dict[str, float]]:
    def grown(k: int) -> float:
        return 1 - (1 - level) ** (k**0.6)

    found = {f"hit_rate@{k}": estimate(grown(k)) for k in (1, 5, 10)}
    found |= {f"recall@{k}": estimate(grown(k) * 0.93) for k in (1, 5, 10)}
    found |= {"mrr": estimate(level * 1.1), "ndcg@10": estimate(level * 1.15), "map": estimate(level * 1.05)}
    return found | {"median_rank": {"value": 4.0, "low": 4.0, "high": 4.0}}


def bell(centre: float, spread: float, total: int) -> list[int]:
    middles = np.linspace(-1, 1, 65)[:-1] + 1 / 64
    return np.round(total * np.exp(-(((middles - centre) / spread) ** 2))).astype(int).tolist()


def example(direction: str, number: int, rank: int) -> dict[str, Any]:
    text = direction == "text_to_image"
    hits = [
        {
            "id": image_id((number + 3 * at) % 6) if text else f"c{number}-{at}",
            "score": 0.41 - 0.03 * at,
            "relevant": at + 1 == rank,
            "text": CAPTIONS[(number + at) % 6],
        }
        for at in range(5)
    ]
    query = f"c{number}" if text else image_id((number + 1) % 6)
    return {
        "query": query,
        "text": CAPTIONS[number % 6] if text else None,
        "image": None if text else query,
        "rank": rank,
        "hits": hits,
        "wanted": [{"id": image_id(number % 5) if text else f"c{number}-x", "text": None if text else CAPTIONS[0]}],
    }


def result(
    model: str, direction: str, level: float, *, data: str = "scenes:test", language: str = "pt-BR"
) -> dict[str, Any]:
    ks = list(range(1, 101))
    gallery, queries = (1000, 2500) if direction == "text_to_image" else (2500, 1000)
    return {
        "model": model,
        "data": data,
        "direction": direction,
        "protocol": {
            "data": data,
            "language": language,
            "direction": direction,
            "gallery": gallery,
            "queries": queries,
            "captions_per_image": 2.5,
            "equal_captions": "shared",
            "depth": gallery,
            "dropped": 3,
            "ties": "score descending as float32, then id descending (trec_eval)",
        },
        "metrics": metrics(level),
        "provenance": {"model": model, "revision": "5f1c" * 10, "preprocessing": "p" * 16, "data": "d" * 16},
        "details": {
            "curve": {"k": ks, "hit_rate": [1 - (1 - level) ** (k**0.6) for k in ks]},
            "histogram": {
                "edges": np.linspace(-1, 1, 65).tolist(),
                "positive": bell(0.15 + 0.5 * level, 0.09, 300),
                "negative": bell(0.10, 0.07, 90000),
            },
            "similarity": {"positive": 0.15 + 0.5 * level, "negative": 0.10, "modality_gap": 0.83},
            "as_given": metrics(level * 0.9),
            "examples": {
                "best": [example(direction, n, 1) for n in (0, 1)],
                "worst": [example(direction, n, 400 + n) for n in (2, 9)],
                "random": [example(direction, n, rank) for n, rank in ((4, 3), (5, 1))],
            },
        },
    }


def document() -> dict[str, Any]:
    found = [result(model, way, level) for way in DIRECTIONS for model, level in zip(MODELS, (0.31, 0.62), strict=True)]
    return {
        "schema": 1,
        "environment": {
            "versions": {"mirante": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6"},
            "commit": "3da04d1",
            "seed": 42,
            "command": "mirante evaluate scenes:test --model embedded",
            "seconds": 83.25,
        },
        "results": found,
    }


def thumbnail(folder: Path, number: int) -> None:
    side = 128
    picture = Image.new("RGB", (side, side if number % 2 else 96), "ivory")
    draw = ImageDraw.Draw(picture)
    for turn in range(number + 1):
        angle = 2 * math.pi * turn / 6
        x, y = 64 + 34 * math.cos(angle), 48 + 30 * math.sin(angle)
        draw.ellipse((x - 16, y - 16, x + 16, y + 16), fill=HUES[(number + turn) % 6])
    name = hashlib.sha256(image_id(number).encode()).hexdigest()[:24]
    picture.save(folder / f"{name}.jpg", quality=80)


def save(folder: Path, saved: object) -> Path:
    (folder / "thumbnails").mkdir(parents=True, exist_ok=True)
    for number in range(5):
        thumbnail(folder / "thumbnails", number)
    (folder / "results.json").write_text(json.dumps(saved), encoding="utf-8")
    return folder


@pytest.fixture
def saved() -> dict[str, Any]:
    """The document of a whole evaluation; tests change it before they keep it."""
    return document()


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[object], Path]:
    """Write a document and five of the six thumbnails into a folder."""
    return lambda changed: save(tmp_path / "out", changed)
