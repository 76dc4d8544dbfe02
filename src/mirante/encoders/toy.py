"""An encoder of colours with exact vectors and no network, so that tests and examples can state their answers.

Its rows have one axis for each colour of `COLOURS`, in that order, and a last axis for anything else.

- A picture is the axis of the colour nearest to its mean (squared distance in RGB).
- A text is the sum of the axes of the colours that it names, in English or Portuguese, at length 1; a text that names
  none is the last axis.

>>> import numpy as np
>>> row = open("toy").encode_texts(["um quadrado vermelho"])[0]
>>> tuple(COLOURS)[int(np.argmax(row))], float(row.max())
('red', 1.0)
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL.Image import Image

from mirante.encoders import Settings
from mirante.types import Provenance, Vectors

MODEL_TYPES: tuple[str, ...] = ()

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0),
    "orange": (255, 165, 0),
    "yellow": (255, 255, 0),
    "green": (0, 128, 0),
    "blue": (0, 0, 255),
    "purple": (128, 0, 128),
    "pink": (255, 192, 203),
    "brown": (139, 69, 19),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
}
PORTUGUESE = {
    "red": "vermelho vermelha vermelhos vermelhas",
    "orange": "laranja laranjas alaranjado alaranjada",
    "yellow": "amarelo amarela amarelos amarelas",
    "green": "verde verdes",
    "blue": "azul azuis",
    "purple": "roxo roxa roxos roxas",
    "pink": "rosa rosas",
    "brown": "marrom marrons",
    "black": "preto preta pretos pretas",
    "white": "branco branca brancos brancas",
    "grey": "cinza cinzas gray",
}
AXES = {word: axis for axis, colour in enumerate(COLOURS) for word in (colour, *PORTUGUESE[colour].split())}


class Toy:
    """The encoder of colours."""

    @property
    def provenance(self) -> Provenance:
        """Of version 1 of this encoder."""
        return Provenance("toy", "1", "colour words and mean colour")

    @property
    def dim(self) -> int:
        """The colours and one axis more: 12."""
        return len(COLOURS) + 1

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """Pictures → (n, 12) float32 rows, one 1 in each."""
        rows = np.zeros((len(images), self.dim), np.float32)
        palette = np.array(list(COLOURS.values()), np.float64)
        for row, image in zip(rows, images, strict=True):
            mean = np.asarray(image.convert("RGB"), np.float64).mean(axis=(0, 1))
            row[np.square(palette - mean).sum(axis=1).argmin()] = 1
        return rows

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, 12) float32 rows of length 1."""
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            named = {AXES[word] for word in re.findall(r"\w+", text.casefold()) if word in AXES}
            row[list(named) or [-1]] = 1 / np.sqrt(len(named) or 1)
        return rows


def open(address: str, folder: Path | None = None, settings: Settings = Settings()) -> Toy:  # noqa: B008 - frozen
    """Open the encoder; it has no files and nothing to set."""
    return Toy()


def tiny(folder: Path) -> str:
    """Nothing to write: its address."""
    return "toy"
