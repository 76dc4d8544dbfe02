"""The two stages of a re-ranked search, and what guides gain for their milliseconds; from docs/results/elip.md."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
from _drawn import BLUE, GREEN, GREY, ORANGE, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results" / "elip.md"
HEAD = "| entry | k | base | re-ranked | difference | kept, ms | first, ms |"
ROW = re.compile(r"\| (\d) \| (\d+) \|[^|]*\|[^|]*\| ([-+][\d.]+) \[(-?[\d.]+), (-?[\d.]+)\] \| (\d+) \| \d+ \|")


def rows() -> list[tuple[int, int, float, float, float, int]]:
    """Entry layer, k, points gained, ends of their interval, milliseconds of kept candidates; as the page has them."""
    table = PAGE.read_text(encoding="utf-8").split(HEAD)[1].split("\n\n")[0]
    found = [tuple(map(float, one)) for one in ROW.findall(table)]
    if len(found) != table.count("\n| "):
        raise SystemExit(f"{PAGE.name}: {len(found)} rows of the table are as expected, not all: see {ROW.pattern}.")
    return [(int(e), int(k), gain, low, high, int(ms)) for e, k, gain, low, high, ms in found]


def cost(lang: str) -> Figure:
    """Points against milliseconds, one line an entry layer."""
    words = {
        "en": ("milliseconds a query (candidates kept)", "points of hit rate@1 gained", "from layer {}", "k = {}"),
        "pt-BR": ("milissegundos por consulta (candidatas guardadas)", "pontos de hit rate@1 ganhos", "da camada {}",
                  "k = {}"),
    }[lang]  # fmt: skip
    figure, axis = plt.subplots(figsize=(8.0, 3.9))
    for entry, colour, mark in ((3, BLUE, "o-"), (4, ORANGE, "s-"), (5, GREEN, "^-")):
        own = [one for one in rows() if one[0] == entry]
        gains, times = [one[2] for one in own], [one[5] for one in own]
        errors = [[one[2] - one[3] for one in own], [one[4] - one[2] for one in own]]
        axis.errorbar(times, gains, errors, fmt="none", ecolor=colour, alpha=0.35, capsize=3)
        axis.plot(times, gains, mark, color=colour, linewidth=2, label=words[2].format(entry))
        for one in own:
            side = {"ha": "right", "xytext": (-4, 6)} if one[1] == 2 else {"ha": "left", "xytext": (4, 6)}
            axis.annotate(words[3].format(one[1]), (one[5], one[2]), textcoords="offset points", fontsize=9, **side)
    axis.axhline(0, color=GREY, linewidth=1)
    axis.set(xlabel=words[0], ylabel=words[1], xlim=(0, 40), ylim=(-0.5, 11))
    axis.legend(frameon=False, loc="upper left", ncols=3)
    figure.tight_layout()
    return figure


def _box(axis: Axes, x: float, text: str, colour: str) -> None:
    axis.add_patch(
        FancyBboxPatch((x, 0.34), 1.5, 0.6, "round,pad=0.04", facecolor=colour, edgecolor="none", alpha=0.18)
    )
    axis.text(x + 0.75, 0.64, text, ha="center", va="center", fontsize=10.5)


def stages(lang: str) -> Figure:
    """The flow from gallery to new order."""
    words = {
        "en": (
            ("the gallery:\nn pictures", "first stage:\none product each", "the first k", "second stage:\nlooks again",
             "new order\nof the k"),
            "what is not among the first k never comes back; below them nothing moves",
        ),
        "pt-BR": (
            ("a galeria:\nn imagens", "1.ª etapa:\num produto cada", "as k primeiras", "2.ª etapa:\nolha de novo",
             "nova ordem\ndas k"),
            "o que não está entre as k primeiras nunca volta; abaixo delas nada se move",
        ),
    }[lang]  # fmt: skip
    figure, axis = plt.subplots(figsize=(9.0, 1.9))
    for at, (text, colour) in enumerate(zip(words[0], (GREY, BLUE, GREY, ORANGE, GREY), strict=True)):
        _box(axis, 2.0 * at, text, colour)
        if at:
            start, end = (2.0 * at - 0.44, 0.64), (2.0 * at - 0.06, 0.64)
            axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, color=GREY))
    axis.text(4.75, 0.1, words[1], ha="center", va="center", fontsize=10, color=GREY)
    axis.set(xlim=(-0.1, 9.6), ylim=(0, 1))
    axis.axis("off")
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    write("reranking-cost", cost)
    write("reranking-stages", stages)
