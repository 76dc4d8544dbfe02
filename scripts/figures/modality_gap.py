"""Cosines within and between pictures and captions, by the embedded model; write docs/figures/modality-gap.*.png."""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from _drawn import BLUE, GREEN, ORANGE, PINK, decimal, write
from matplotlib.figure import Figure

from mirante.datasets import open_dataset
from mirante.encoders import load

DATA = "scenes:test-500"


@cache
def measured() -> tuple[np.ndarray, ...]:
    """Cosines of picture with picture, text with text, text with another's picture, text with its picture."""
    data = open_dataset(DATA)
    items = list(data.items(data.splits[0], "en"))
    encoder = load("scenes")
    images = encoder.encode_images([one.picture.load() for one in items])
    texts = encoder.encode_texts([one.captions[0].text for one in items])
    other = ~np.eye(len(items), dtype=bool)
    across = texts @ images.T
    return (images @ images.T)[other], (texts @ texts.T)[other], across[other], across.diagonal()


def draw(lang: str) -> Figure:
    """The figure in one language: four histograms of equal area."""
    names, axes = {
        "en": (
            ("picture with another picture", "caption with another caption", "caption with a wrong picture",
             "caption with its own picture"),
            ("cosine", "density"),
        ),
        "pt-BR": (
            ("imagem com outra imagem", "legenda com outra legenda", "legenda com imagem errada",
             "legenda com a própria imagem"),
            ("cosseno", "densidade"),
        ),
    }[lang]  # fmt: skip
    figure, axis = plt.subplots(figsize=(8.0, 3.6))
    looks = zip(measured(), names, (BLUE, GREEN, ORANGE, PINK), ("-", "--", "-.", "-"), strict=True)
    for values, name, colour, line in looks:
        bins = np.arange(-1, 1.001, 0.04)
        axis.hist(values, bins, density=True, histtype="step", linewidth=2, color=colour, linestyle=line, label=name)
    axis.set(xlabel=axes[0], ylabel=axes[1], xlim=(-0.8, 1), ylim=(0, 13))
    axis.xaxis.set_major_formatter(lambda value, _: decimal(value, 1, lang).replace("-", "−"))
    axis.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    write("modality-gap", draw)
