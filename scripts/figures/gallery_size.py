"""Hit rate against the size of the gallery: the same questions and answers, only more pictures to confuse them with.

Every full caption of `scenes:chalk-3000` asks for its picture among N: that picture and N − 1 others drawn at random.
The draw is not simulated: a picture with b better ones among the M − 1 others is first with the probability that none
of these b is drawn, by the hypergeometric distribution.

    python scripts/figures/gallery_size.py            measures, prints, saves the figures and draws
    python scripts/figures/gallery_size.py --saved    draws what was saved
"""

import json
import sys
from functools import cache
from math import lgamma
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _drawn import BLUE, GREY, ORANGE, write
from matplotlib.figure import Figure

from mirante.datasets import open_dataset
from mirante.encoders import load

SAVED = Path(__file__).resolve().parents[2] / "docs" / "results" / "gallery-size.json"
SIZES = (10, 30, 100, 300, 1000, 3000)
DEPTHS = (1, 10)
BLOCK = 500


def better() -> np.ndarray:
    """(n,) how many wrong pictures each full caption scores above its own one, of `scenes:chalk-3000`."""
    encoder, items = load("scenes"), list(open_dataset("scenes").items(f"chalk-{SIZES[-1]}", "en"))
    parts = [items[at : at + BLOCK] for at in range(0, len(items), BLOCK)]
    images = np.concatenate([encoder.encode_images([one.picture.load() for one in part]) for part in parts])
    texts = encoder.encode_texts([one.captions[0].text for one in items])
    scores = texts @ images.T
    return np.asarray((scores > scores.diagonal()[:, None]).sum(axis=1))


def chance(wrong: np.ndarray, size: int, depth: int) -> np.ndarray:
    """(n,) the probability that fewer than `depth` of the `wrong` better pictures are among `size` − 1 drawn ones."""
    others, drawn = len(wrong) - 1, size - 1

    def choose(n: int, k: int) -> float:
        return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) if 0 <= k <= n else -np.inf

    known = {
        b: sum(
            np.exp(choose(b, hit) + choose(others - b, drawn - hit) - choose(others, drawn))
            for hit in range(min(depth, b + 1))
        )
        for b in set(wrong.tolist())
    }
    return np.array([known[b] for b in wrong.tolist()])


def measure() -> dict[str, list[float]]:
    """The mean over questions for each size, by depth; saved and printed."""
    wrong = better()
    found = {f"hit_rate@{k}": [float(chance(wrong, size, k).mean()) for size in SIZES] for k in DEPTHS}
    SAVED.write_text(json.dumps({"gallery": SIZES, **found}, indent=1) + "\n", encoding="utf-8")
    for at, size in enumerate(SIZES):
        print(f"{size:>5} pictures: " + ", ".join(f"{name} {100 * rate[at]:.1f} %" for name, rate in found.items()))
    return found


@cache
def saved() -> dict[str, list[float]]:
    """What was measured last."""
    known: dict[str, list[float]] = json.loads(SAVED.read_text(encoding="utf-8"))
    return known


def draw(lang: str) -> Figure:
    """The figure in one language: two measured lines and what chance gives."""
    words = {
        "en": ("hit rate@1", "hit rate@10", "hit rate@1 by chance", "pictures in the gallery", "per cent of queries"),
        "pt-BR": ("hit rate@1", "hit rate@10", "hit rate@1 por acaso", "imagens na galeria", "por cento das consultas"),
    }[lang]
    known, point = saved(), "." if lang == "pt-BR" else ","
    figure, axis = plt.subplots(figsize=(8.0, 3.8))
    looks = (("hit_rate@10", ORANGE, "s-", words[1]), ("hit_rate@1", BLUE, "o-", words[0]))
    for name, colour, line, label in looks:
        values = [100 * one for one in known[name]]
        axis.plot(SIZES, values, line, color=colour, linewidth=2, label=label)
        for size, value in zip(SIZES, values, strict=True):
            axis.annotate(f"{value:.0f}", (size, value), (0, 7), textcoords="offset points", ha="center", color=colour)
    axis.plot(SIZES, [100 / size for size in SIZES], "--", color=GREY, label=words[2])
    axis.set_xscale("log")
    axis.set(xlabel=words[3], ylabel=words[4], ylim=(0, 115), yticks=range(0, 101, 20))
    axis.set_xticks(SIZES, [f"{size:,}".replace(",", point) for size in SIZES])
    axis.minorticks_off()
    axis.legend(frameon=False, loc="upper right", fontsize=10)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    if "--saved" not in sys.argv:
        measure()
    write("gallery-size", draw)
