"""Cosines of eight scenes with their eight captions, by the embedded model; write docs/figures/cosines.*.png."""

from functools import cache
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from _drawn import decimal, write
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from PIL.Image import Image

from mirante.datasets import open_dataset
from mirante.encoders import load

DATA = "scenes:test-8"


@cache
def measured() -> tuple[list[Image], list[str], np.ndarray]:
    """The pictures, the full caption of each, and the cosines (captions, pictures)."""
    data = open_dataset(DATA)
    items = list(data.items(data.splits[0], "en"))
    images, texts = [one.picture.load() for one in items], [one.captions[0].text for one in items]
    encoder = load("scenes")
    return images, texts, encoder.encode_texts(texts) @ encoder.encode_images(images).T


def draw(lang: str) -> Figure:
    """The figure in one language: a row for each caption, a column for each picture."""
    images, texts, cosines = measured()
    figure, axis = plt.subplots(figsize=(8.4, 6.2))
    axis.imshow(cosines, cmap="RdBu", vmin=-0.6, vmax=0.6, aspect="auto")
    for row, column in np.ndindex(cosines.shape):
        strong = abs(cosines[row, column]) > 0.33
        told = decimal(cosines[row, column], 2, lang).replace("-", "−")
        weight = "bold" if row == column else "normal"
        axis.text(column, row, told, ha="center", va="center", color="white" if strong else "black", fontweight=weight)
    axis.set(xticks=[], yticks=range(len(texts)), yticklabels=[fill(one, 26) for one in texts])
    axis.tick_params(labelsize=9, length=0)
    axis.grid(visible=False)
    for column, image in enumerate(images):
        small = OffsetImage(np.asarray(image), zoom=0.36)
        place = AnnotationBbox(small, (column, -0.55), frameon=False, box_alignment=(0.5, 0), annotation_clip=False)
        axis.add_artist(place)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    write("cosines", draw)
