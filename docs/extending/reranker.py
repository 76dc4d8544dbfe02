"""A re-ranker in one file: pictures that show the colours named in the query come first (`red`, `vermelha`).

It knows six colours in English and Portuguese and no object: that is left to the model that found the candidates.
"""

import re

import numpy as np

from mirante.errors import UsageError
from mirante.rerankers import Candidates
from mirante.types import Encoder, Picture, Vectors

HUES = {
    "red|vermelh": 0,
    "orange|laranja": 30,
    "yellow|amarel": 50,
    "green|verde": 120,
    "blue|azu": 220,
    "purple|rox": 280,
}
WIDTH, SATURATED, BRIGHT = 15, 150, 80  # degrees to either side; of 255
LEAST = 0.02  # share of a picture from which on it shows a colour


class Colour:
    """See `mirante.rerankers.Reranker`: the run's score, and `weight` more for each named colour that is shown."""

    def __init__(self, weight: float) -> None:
        self.name, self._weight, self._seen = f"colour:{weight:g}", weight, {}

    def score(self, candidates: Candidates) -> Vectors:
        named = [at for at, stems in enumerate(HUES) if re.search(rf"\b({stems})", candidates.text.casefold())]
        shown = np.array([self._shown(picture)[named].sum() for picture in candidates.pictures])
        return (candidates.scores + self._weight * shown).astype(np.float32)

    def _shown(self, picture: Picture) -> Vectors:
        if picture.content not in self._seen:  # a picture is a candidate of many queries: look once
            hue, saturation, value = np.moveaxis(np.array(picture.load().resize((48, 48)).convert("HSV"), float), 2, 0)
            away = np.abs((hue * 360 / 256 - np.reshape([*HUES.values()], (-1, 1, 1)) + 180) % 360 - 180)
            coloured = (away <= WIDTH) & (saturation > SATURATED) & (value > BRIGHT)
            self._seen[picture.content] = coloured.mean(axis=(1, 2)) >= LEAST
        return self._seen[picture.content]


def open(address: str, base: Encoder) -> Colour:
    if not re.fullmatch(r"(\d*\.?\d+)?", address):
        raise UsageError(f"The weight of 'colour' is a number, not {address!r}: write e.g. colour:0.1.")
    return Colour(float(address or 0.1))
