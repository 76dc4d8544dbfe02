"""What temperature does to the softmax of four cosines; write docs/figures/temperature.*.png."""

import matplotlib.pyplot as plt
import numpy as np
from _drawn import BLUE, GREY, decimal, write
from matplotlib.figure import Figure

COSINES = np.array([0.30, 0.25, 0.20, 0.10])
TEMPERATURES = (1.0, 0.07, 0.01)


def draw(lang: str) -> Figure:
    """The figure in one language: shares of probability, one panel a temperature."""
    words = {
        "en": ("cosine of the picture with the text", "share of the probability", "temperature"),
        "pt-BR": ("cosseno da imagem com o texto", "parte da probabilidade", "temperatura"),
    }[lang]
    figure, axes = plt.subplots(1, len(TEMPERATURES), figsize=(8.4, 3.0), sharey=True)
    names = [decimal(one, 2, lang) for one in COSINES]
    for axis, temperature in zip(axes, TEMPERATURES, strict=True):
        powers = np.exp(COSINES / temperature)
        shares = powers / powers.sum()
        axis.bar(names, shares, color=[BLUE, GREY, GREY, GREY])
        for at, share in enumerate(shares):
            axis.text(at, share + 0.02, decimal(share, 3, lang), ha="center", fontsize=9)
        axis.set_title(f"{words[2]} {decimal(temperature, 2, lang)}", fontsize=11)
        axis.set_ylim(0, 1.1)
        axis.grid(axis="x", visible=False)
    axes[1].set_xlabel(words[0])
    axes[0].set_ylabel(words[1])
    axes[0].yaxis.set_major_formatter(lambda value, _: decimal(value, 1, lang))
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    write("temperature", draw)
