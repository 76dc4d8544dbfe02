"""Captions that do not fit their picture, by a model's vectors: likely swapped or wrong.

A cosine alone does not tell, since some captions are near to every picture. So it is standardised twice, by what the
caption has with all pictures and by what the picture has with all captions; the sum of both is the agreement. What
wrong captions reach is known, from captions beside pictures drawn at random; the data are a mixture of right pairs
and a share π of wrong ones. π is the least ratio of both distribution functions (Storey 2002, "A direct approach to
false discovery rates"), and captions are doubted up to where, by that mixture, one in seven is wrong.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.diagnosis.texts import plain
from mirante.types import Embeddings, Pairs, Vectors

Floats: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.int64]

FEWEST = 50
"""Fewer captions than this are not judged."""

TELLING = 0.95
"""A model judges only where a right pair beats a random one at least so often."""

WRONG = 0.15
"""Of the captions that are doubted last, this share is wrong; of all of them, far more."""

FALSE_ALARMS = 0.02
"""At most this share of the captions is doubted although right, by estimate."""

_DRAWN = 20_000
_REPEATED = 3
_QUANTILES = np.linspace(0.3, 0.95, 66)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A caption that hardly fits its picture.

    Args:
        caption: its id.
        image: id of its picture, of several the one that it fits best.
        agreement: in standard deviations, about 0 for a random picture.
        fits: id of the picture that it fits best of all.
    """

    caption: str
    image: str
    agreement: float
    fits: str


@dataclass(frozen=True)
class Agreement:
    """How captions and pictures agree.

    Args:
        judged: number of captions.
        telling: how often a right pair beats a random one, by this model; below `TELLING` nothing is doubted.
        wrong: estimated share of wrong captions; None where the model cannot tell.
        doubts: the captions, the worst first.
    """

    judged: int
    telling: float
    wrong: float | None
    doubts: tuple[Doubt, ...] = ()


def agreement(
    pairs: Pairs, images: Embeddings, texts: Embeddings, *, among: Collection[str] | None = None, seed: int = 0
) -> Agreement | None:
    """Judge every caption of `pairs` that has a vector, as has its picture; None where they are too few.

    Args:
        pairs: the data as given.
        images: rows of its pictures.
        texts: rows of its captions, by the same model.
        among: ids of the captions to judge, those of one language, say; None for all.
        seed: of the random pairs.
    """
    table = _Table(pairs, images, texts, among)
    if len(table.captions) < FEWEST:
        return None
    scores, random = table.scores, table.random(np.random.default_rng(seed))
    single = scores[table.single] if np.count_nonzero(table.single) >= FEWEST else scores
    share, threshold = mixture(single, random)
    telling = _telling(single, random, share)
    if telling < TELLING:
        return Agreement(len(scores), telling, None)
    doubted = [row for row in np.argsort(scores, kind="stable").tolist() if scores[row] <= threshold]
    return Agreement(len(scores), telling, share, tuple(table.doubts(_singled_out(doubted, table.words))))


def mixture(scores: Floats, random: Floats) -> tuple[float, float]:
    """The share of wrong ones among `scores`, and the score up to which they are doubted (−inf for none).

    Args:
        scores: (n,) agreements, most of right pairs.
        random: (m,) agreements of random pairs.
    """
    ordered, null = np.sort(scores), np.sort(random)
    below = np.searchsorted(ordered, np.quantile(null, _QUANTILES), "right")
    share = float(min(1.0, ((below + np.sqrt(below)) / len(ordered) / _QUANTILES).min()))
    found = np.arange(1, len(ordered) + 1) / len(ordered)
    wrong = share * np.searchsorted(null, ordered, "right") / len(null)
    gain = np.where(found - wrong <= FALSE_ALARMS, wrong - WRONG * found, -1.0)
    best = int(gain.argmax())
    return share, float(ordered[best]) if gain[best] > 0 else -np.inf


class _Table:
    """Captions in rows, each with the picture of its own that it fits best.

    Attributes:
        captions: (n,) rows of `texts`.
        pictures: (n,) rows of `images`.
        scores: (n,) agreements.
        words: n texts, case and punctuation aside.
        single: (n,) whether the text stands on fewer than three pictures: others may fit none, and yet be no mistake.
    """

    def __init__(self, pairs: Pairs, images: Embeddings, texts: Embeddings, among: Collection[str] | None) -> None:
        self._images, self._texts = images, texts
        place = {one: row for row, one in enumerate(images.ids)}
        spoken = {one: row for row, one in enumerate(texts.ids)}
        wanted = None if among is None else frozenset(among)
        told = [one for one in pairs.captions if one.id in spoken and (wanted is None or one.id in wanted)]
        cells = [(spoken[one.id], place[of]) for one in told for of in sorted(pairs.relevance[one.id]) if of in place]
        rows, columns = np.array(cells, np.int64).reshape(-1, 2).T
        self._of_images = _Cloud(images.vectors[np.unique(columns)])
        self._of_texts = _Cloud(texts.vectors[np.unique(rows)])
        every = self._agreements(rows, columns)
        order = np.lexsort((-every, rows))
        best = order[np.unique(rows[order], return_index=True)[1]]
        self.captions, self.pictures, self.scores = rows[best], columns[best], every[best]
        words = {spoken[one.id]: plain(one.text) for one in told}
        self.words = [words[row] for row in self.captions.tolist()]
        uses = Counter(self.words)
        self.single = np.array([uses[one] < _REPEATED for one in self.words], np.bool_)

    def random(self, dice: np.random.Generator) -> Floats:
        """Agreements of the same captions with pictures of others."""
        rows = dice.integers(0, len(self.captions), _DRAWN)
        others = self.pictures[dice.integers(0, len(self.captions), _DRAWN)]
        strange = others != self.pictures[rows]
        return self._agreements(self.captions[rows[strange]], others[strange])

    def doubts(self, rows: list[int]) -> Iterator[Doubt]:
        """Name those rows, with the picture that each caption fits best."""
        for row in rows:
            caption = self.captions[row]
            fits = int(np.argmax(self._images.vectors @ self._texts.vectors[caption]))
            yield Doubt(
                self._texts.ids[caption],
                self._images.ids[self.pictures[row]],
                round(float(self.scores[row]), 2),
                self._images.ids[fits],
            )

    def _agreements(self, captions: Numbers, pictures: Numbers) -> Floats:
        """Cosines in standard deviations of the caption's, and of the picture's, both added; (p,)."""
        told, shown = self._texts.vectors[captions], self._images.vectors[pictures]
        cosines = np.einsum("pd,pd->p", told, shown, dtype=np.float64)
        by_caption = (cosines - self._of_images.mean(told)) / self._of_images.deviation(told)
        by_picture = (cosines - self._of_texts.mean(shown)) / self._of_texts.deviation(shown)
        return np.asarray(by_caption + by_picture, np.float64)


class _Cloud:
    """Mean and deviation of the cosines that a vector has with all of (n, d) rows, from their first two moments."""

    def __init__(self, rows: Vectors) -> None:
        self._centre = rows.sum(axis=0, dtype=np.float64) / max(1, len(rows))
        centred = rows - self._centre
        self._spread = centred.T @ centred / max(1, len(rows))

    def mean(self, vectors: Vectors) -> Floats:
        return np.asarray(vectors @ self._centre, np.float64)

    def deviation(self, vectors: Vectors) -> Floats:
        squares = np.einsum("pd,de,pe->p", vectors, self._spread, vectors, optimize=True)
        return np.asarray(np.sqrt(np.maximum(squares, 1e-12)), np.float64)


def _singled_out(doubted: list[int], words: list[str]) -> list[int]:
    """Without texts that stand on several pictures and fit few of them: those are named as repeated."""
    uses, wrong = Counter(words), Counter(words[row] for row in doubted)
    return [row for row in doubted if uses[words[row]] < _REPEATED or 2 * wrong[words[row]] <= uses[words[row]]]


def _telling(scores: Floats, random: Floats, share: float) -> float:
    """How often a right pair beats a random one, ties as a half; wrong ones, a `share` of all, do so by chance."""
    null = np.sort(random)
    wins = np.searchsorted(null, scores, "left") + np.searchsorted(null, scores, "right")
    every = float(wins.mean() / (2 * max(1, len(null))))
    return float(np.clip((every - share / 2) / (1 - share), 0, 1)) if share < 1 else 0.5
