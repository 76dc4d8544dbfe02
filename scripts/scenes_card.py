"""Write the table of splits of `docs/cards/scenes*.md` from the generator itself, or check it.

    python scripts/scenes_card.py [--check]

Nothing is drawn: what a split holds is known before its pixels are.
"""

import sys
from functools import cache
from pathlib import Path

from _saved import numbers, twins
from _written import Written
from mirante.datasets.scenes import SIZES, SceneDataset

CARDS = Path(__file__).resolve().parents[1] / "docs" / "cards"
HEAD = {
    "en": "split | pictures | captions, each language | different captions | full captions that `train` has | for",
    "pt": "partição | imagens | legendas, cada língua | legendas diferentes | completas que `train` também tem | para",
}
USES = {
    "en": {
        "train": "learning",
        "validation": "choosing",
        "test": "measuring",
        "mosaic": "measuring, a style held out",
        "hard": "measuring, minimal pairs",
        "hard-train": "learning minimal pairs",
        "hard-validation": "choosing, minimal pairs",
        "chalk": "measuring, a second style held out",
        "chalk-train": "learning that style",
        "chalk-validation": "choosing, that style",
    },
    "pt": {
        "train": "aprender",
        "validation": "escolher",
        "test": "medir",
        "mosaic": "medir, num estilo separado",
        "hard": "medir, em pares mínimos",
        "hard-train": "aprender pares mínimos",
        "hard-validation": "escolher, em pares mínimos",
        "chalk": "medir, num segundo estilo separado",
        "chalk-train": "aprender esse estilo",
        "chalk-validation": "escolher, nesse estilo",
    },
}


@cache
def told(split: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Every English caption of a split, and those of them that say everything about their picture."""
    captions = [caption for item in SceneDataset().items(split, "en") for caption in item.captions]
    return tuple(one.text for one in captions), tuple(one.text for one in captions if one.id.endswith("#en0"))


def table(lang: str) -> str:
    """The table in Markdown, one row a split."""
    lines = [f"| {HEAD[lang]} |", "|---|---|---|---|---|---|"]
    for split, size in SIZES.items():
        every, full = told(split)
        known = set(told("train")[1])
        seen = "–" if split == "train" else f"{100 * sum(text in known for text in full) / len(full):.1f} %"
        cells = [f"`{split}`", f"{size:,}", f"{len(every):,}", f"{len(set(every)):,}", seen, USES[lang][split]]
        lines.append(numbers(f"| {' | '.join(cells)} |", lang))
    return "\n".join(lines)


WRITTEN = Written(twins(CARDS, "scenes"), table, Path(__file__), "the generator of scenes says")

if __name__ == "__main__":
    sys.exit(WRITTEN.main(__doc__))
