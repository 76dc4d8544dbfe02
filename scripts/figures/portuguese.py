"""English beside Portuguese of Crossmodal-3600 for the published models; write docs/figures/portuguese.*.png.

The numbers are those of scripts/models.toml, whose head says where they were published.
"""

import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
from _drawn import BLUE, GREY, ORANGE, decimal, write
from matplotlib.figure import Figure

MODELS = Path(__file__).resolve().parents[1] / "models.toml"


def published() -> list[tuple[str, float, float]]:
    """Model, R@1 in English and in Portuguese, by the second; a copy of another's weights is left out."""
    listed = tomllib.loads(MODELS.read_text(encoding="utf-8"))["model"]
    found = [(one["id"], *one["xm3600"]) for one in listed if "xm3600" in one and one["family"] != "openclip"]
    return sorted(found, key=lambda one: one[2])


def draw(lang: str) -> Figure:
    """The figure in one language: a line for each model, from its Portuguese to its English."""
    words = {
        "en": ("R@1, text to image, 3,600 pictures", "English", "Portuguese"),
        "pt-BR": ("R@1, de texto para imagem, 3.600 imagens", "inglês", "português"),
    }[lang]
    rows = published()
    figure, axis = plt.subplots(figsize=(8.4, 4.2))
    for at, (_, english, portuguese) in enumerate(rows):
        axis.plot((portuguese, english), (at, at), color=GREY, linewidth=2, zorder=1)
        side = 1 if portuguese > english else -1
        told, align = decimal(portuguese, 3, lang), "left" if side > 0 else "right"
        axis.text(portuguese + side * 0.012, at, told, ha=align, va="center", fontsize=9, color=ORANGE)
    places = range(len(rows))
    axis.scatter([one[1] for one in rows], places, color=BLUE, s=60, label=words[1], zorder=2)
    axis.scatter([one[2] for one in rows], places, color=ORANGE, s=60, marker="D", label=words[2], zorder=2)
    axis.set(xlabel=words[0], xlim=(0, 0.7), yticks=places, yticklabels=[one[0] for one in rows])
    axis.tick_params(axis="y", labelsize=9, length=0)
    axis.xaxis.set_major_formatter(lambda value, _: decimal(value, 1, lang))
    axis.legend(frameon=False, loc="upper left")
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    write("portuguese", draw)
