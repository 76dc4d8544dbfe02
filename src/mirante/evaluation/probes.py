"""Scores of an encoder on the probes of `scenes`: what it sees, not only what it retrieves.

Sources: forced choice as in zero-shot classification (Radford et al. 2021); text, image and group score of minimal
pairs as in Winoground (Thrush et al. 2022, arXiv 2204.03162).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirante.datasets.scenes import RESOLUTION, SceneDataset, probes
from mirante.datasets.scenes.drawing import draw
from mirante.datasets.scenes.world import SWAPS, Scene
from mirante.evaluation.contrasts import PAIR_CHANCE, choice_scores, pair_scores
from mirante.progress import track
from mirante.types import Encoder, Estimate, Vectors

GALLERY = "test-4000"
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Score:
    """The share of right answers with its Wilson interval, the chance level, the number of questions."""

    right: Estimate
    chance: float
    questions: int


def probe(encoder: Encoder, language: str = "en") -> Mapping[str, Score]:
    """Every probe by name: `object`, …, `swap-colour (text|image|group)`, …, `free queries precision@5`."""
    scores: dict[str, Score] = {}
    for attribute in track(probes.ATTRIBUTES, "forced choices", total=len(probes.ATTRIBUTES), unit="probes"):
        questions = probes.choices(attribute, language)
        right = _chosen(encoder, questions)
        scores[attribute] = Score(_wilson(right), 1 / len(questions[0].texts), len(questions))
    for what in track(SWAPS, "minimal pairs", total=len(SWAPS), unit="probes"):
        pairs = probes.minimal_pairs(what, language)
        for name, (right, chance) in _winoground(encoder, pairs).items():
            scores[f"swap-{what} ({name})"] = Score(_wilson(right), chance, len(pairs))
    scores["free queries precision@5"] = _free(encoder, language)
    return scores


def _chosen(encoder: Encoder, questions: Sequence[probes.Choice]) -> NDArray[np.float64]:
    """1 where the true text scores above every other, else 0; a tie is wrong."""
    images = _images(encoder, [question.scene for question in questions])
    texts = _texts(encoder, [text for question in questions for text in question.texts])
    texts = texts.reshape(len(questions), -1, encoder.dim)
    return choice_scores(np.einsum("qod,qd->qo", texts, images))


def _winoground(encoder: Encoder, pairs: Sequence[probes.MinimalPair]) -> dict[str, tuple[NDArray[np.float64], float]]:
    images = _images(encoder, [scene for pair in pairs for scene in pair.scenes]).reshape(len(pairs), 2, -1)
    texts = _texts(encoder, [text for pair in pairs for text in pair.texts]).reshape(len(pairs), 2, -1)
    s = np.einsum("ptd,pid->pti", texts, images)
    return {name: (right, PAIR_CHANCE[name]) for name, right in pair_scores(s).items()}


def _free(encoder: Encoder, language: str) -> Score:
    gallery = list(SceneDataset().scenes(GALLERY))
    images = _images(encoder, gallery)
    queries = probes.free_queries(gallery, language)
    scores = _texts(encoder, [query.text for query in queries]) @ images.T
    top = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    precision = np.array(
        [np.mean([row in query.relevant for row in found]) for query, found in zip(queries, top.tolist(), strict=True)]
    )
    chance = float(np.mean([len(query.relevant) / len(gallery) for query in queries]))
    return Score(_normal(precision), chance, len(queries))


def _images(encoder: Encoder, scenes: Sequence[Scene]) -> Vectors:
    parts = [scenes[at : at + 64] for at in range(0, len(scenes), 64)]
    return np.concatenate([encoder.encode_images([draw(scene, RESOLUTION) for scene in part]) for part in parts])


def _texts(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    distinct = list(dict.fromkeys(texts))
    row = {text: at for at, text in enumerate(distinct)}
    return encoder.encode_texts(distinct)[[row[text] for text in texts]]


def _wilson(right: NDArray[np.float64]) -> Estimate:
    """Wilson's 95 % score interval of a share (Wilson 1927)."""
    n, p = len(right), float(right.mean())
    centre = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    return Estimate(p, max(0.0, centre - half), min(1.0, centre + half))


def _normal(values: NDArray[np.float64]) -> Estimate:
    half = _Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    mean = float(values.mean())
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half))
