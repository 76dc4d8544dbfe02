"""Write the tables of `docs/topics/models*.md` from `models.toml`, or check them."""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from _written import Written
from mirante import registry

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"en": ROOT / "docs/topics/models.md", "pt": ROOT / "docs/topics/models.pt-BR.md"}
ROWS = Path(__file__).with_name("models.toml")
ENCODERS = ROOT / "src/mirante/encoders"
HEAD = {
    "en": (
        "model", "family", "languages", "pixels", "parameters", "values", "memory fp32 / fp16", "licence",
        "XM3600 en", "XM3600 pt", "COCO en", "paper",
    ),
    "pt": (
        "modelo", "família", "idiomas", "pixels", "parâmetros", "valores", "memória fp32 / fp16", "licença",
        "XM3600 en", "XM3600 pt", "COCO en", "artigo",
    ),
}  # fmt: skip
WORDS = {
    "en": {"kept": "proportions kept", "many": "many", "M": "M", "B": "B"},
    "pt": {"kept": "proporções mantidas", "many": "muitos", "M": " mi", "B": " bi"},
}
WITHOUT_WEIGHTS = {"toy"}


def table(lang: str) -> str:
    """The table in Markdown, one row a checkpoint."""
    return "\n".join(lines(lang))


def lines(lang: str) -> Iterator[str]:
    """Head, rule and rows."""
    yield "| " + " | ".join(HEAD[lang]) + " |"
    yield "|" + "---|" * len(HEAD[lang])
    for row in rows():
        yield "| " + " | ".join(cells(row, lang)) + " |"


def rows() -> list[dict[str, Any]]:
    """What `models.toml` holds.

    Raises:
        SystemExit: a row is of no family, or a family that opens checkpoints has no row.
    """
    found: list[dict[str, Any]] = tomllib.loads(ROWS.read_text(encoding="utf-8"))["model"]
    families = {name for name in registry.names("mirante.encoders") if (ENCODERS / file(name)).is_file()}
    told = {row["family"] for row in found}
    if told != families - WITHOUT_WEIGHTS:
        wrong = ", ".join(sorted(told ^ (families - WITHOUT_WEIGHTS)))
        raise SystemExit(f"{ROWS.name} and the encoders differ in these families: {wrong}. Give each one a row.")
    return found


def file(family: str) -> str:
    """The file of a family."""
    return family.replace("-", "_") + ".py"


def cells(row: Mapping[str, Any], lang: str) -> list[str]:
    """The cells of one row."""
    words, english, portuguese = WORDS[lang], *row.get("xm3600", (None, None))
    millions = row["parameters"]
    size = f"{number(millions / 1000, 1, lang)}{words['B']}" if millions >= 1000 else f"{millions}{words['M']}"
    memory = " / ".join(f"{number(millions * width / 1000, 1, lang)} GB" for width in (4, 2))
    return [
        f"[{row['id']}](https://huggingface.co/{row['id']})",
        f"[`{row['family']}`](../../src/mirante/encoders/{file(row['family'])})",
        words.get(row["languages"], row["languages"]),
        words.get(row["pixels"], row["pixels"]),
        size,
        row["dim"].replace("x", "×"),
        memory,
        row["licence"],
        *(number(one, 3, lang) for one in (english, portuguese, row.get("coco"))),
        f"[{row['paper']}](https://arxiv.org/abs/{row['paper']})",
    ]


def number(value: float | None, digits: int, lang: str) -> str:
    """A figure as the language writes it, a dash where there is none."""
    written = "–" if value is None else f"{value:.{digits}f}"
    return written.replace(".", ",") if lang == "pt" else written


WRITTEN = Written(PAGES, table, Path(__file__), "models.toml says")

if __name__ == "__main__":
    sys.exit(WRITTEN.main(__doc__))
