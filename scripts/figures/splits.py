"""Flickr30k as it is split, and as a "test" that holds the training pictures; write docs/figures/splits.*.png."""

import matplotlib.pyplot as plt
from _drawn import BLUE, GREEN, ORANGE, write
from matplotlib.figure import Figure

from mirante.datasets import published

SPLITS = ("train", "validation", "test")
ALL = 31_783
"""All pictures of Flickr30k: Young et al. 2014."""
WORDS = {
    "en": {
        "train": "train",
        "validation": "validation",
        "test": "test",
        "pictures": "pictures",
        "split": "flickr30k-pt-br,\nKarpathy's splits",
        "all": "a copy whose “test”\nis everything",
    },
    "pt-BR": {
        "train": "treino",
        "validation": "validação",
        "test": "teste",
        "pictures": "imagens",
        "split": "flickr30k-pt-br,\npartições de Karpathy",
        "all": "uma cópia cujo “test”\né tudo",
    },
}


def draw(lang: str) -> Figure:
    """The figure in one language: two bars of pictures, one under the other."""
    words, sizes = WORDS[lang], published("flickr30k-pt-br").splits
    figure, axis = plt.subplots(figsize=(8.4, 2.5))
    start = 0
    for split, colour in zip(SPLITS, (BLUE, GREEN, ORANGE), strict=True):
        axis.barh(1, sizes[split], left=start, color=colour, label=words[split])
        start += sizes[split]
    axis.barh(0, ALL, color=ORANGE)
    axis.barh(0, sizes["train"], color="none", edgecolor=BLUE, hatch="//", linewidth=2)
    for at, count in ((1, sizes["train"]), (0, ALL)):
        told = axis.text(sizes["train"] / 2, at, _thousands(count, lang), ha="center", va="center", fontweight="bold")
        told.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 2})
    axis.set(yticks=(1, 0), yticklabels=(words["split"], words["all"]), xlabel=words["pictures"], xlim=(0, 33_000))
    axis.xaxis.set_major_formatter(lambda value, _: _thousands(int(value), lang))
    axis.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.4, 0.98))
    axis.grid(axis="y", visible=False)
    figure.tight_layout()
    return figure


def _thousands(count: int, lang: str) -> str:
    return f"{count:,}".replace(",", "." if lang == "pt-BR" else ",")


if __name__ == "__main__":
    write("splits", draw)
