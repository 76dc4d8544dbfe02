"""How the guide's figures are drawn: one look, one file a language, written below `docs/figures/`."""

from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

from matplotlib.figure import Figure

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "figures"
LANGUAGES = ("en", "pt-BR")
BLUE, ORANGE, GREEN, PINK, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"
"""Of Okabe and Ito's palette, which colour-blind readers can tell apart."""
STYLE: Mapping[str, object] = {
    "figure.dpi": 130,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.axisbelow": True,
    "savefig.facecolor": "white",
}


def write(name: str, draw: Callable[[str], Figure]) -> None:
    """Write `docs/figures/NAME.LANGUAGE.png` for each language.

    Args:
        name: of the figure, without its language and ending.
        draw: language → the figure, its words in that language; called under the common style.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    for lang in LANGUAGES:
        with mpl.rc_context(dict(STYLE)):
            draw(lang).savefig(FOLDER / f"{name}.{lang}.png", bbox_inches="tight", metadata={"Software": None})


def decimal(value: float, digits: int, lang: str) -> str:
    """A number as the language writes it."""
    written = f"{value:.{digits}f}"
    return written.replace(".", ",") if lang == "pt-BR" else written
