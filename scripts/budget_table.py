"""Write the table of docs/guide/cost*.md: what 1, 5, 20 and 100 USD buy, by the arithmetic of `mirante estimate`.

    python scripts/budget_table.py [--check]

Recipes are those of `configs/`; the GPU, its price and its speed are a row of `src/mirante/cost/gpus.toml`. Nothing
here was measured on a GPU. Starting, measuring and saving are in the hours of a recipe; downloads and mistakes are not.
"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

from _saved import numbers
from _written import Written
from mirante import cost
from mirante.cost.hours import DECODE
from mirante.cost.shapes import shape
from mirante.cost.work import forward
from mirante.training import TrainConfig, read_config
from mirante.training.config import Data, Model

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
BUDGETS = (1, 5, 20, 100)
GPU = "RTX 4090"
CORES = 8
"""Of a rented machine, for decoding; what `mirante estimate` assumes."""
MILLION = 1_000_000
ENCODERS = {"CLIP B/32": "openai/clip-vit-base-patch32", "CLIP L/14": "openai/clip-vit-large-patch14"}
RECIPES = {
    "elip-pt": ("ELIP guide, Portuguese", "guia ELIP, português"),
    "flickr30k-pt-clip-l14-lora": ("CLIP L/14, LoRA, 10 epochs", "CLIP L/14, LoRA, 10 épocas"),
    "flickr30k-pt-clip-l14-hers": ("CLIP L/14, all weights, 5 epochs", "CLIP L/14, todos os pesos, 5 épocas"),
    "flickr30k-pt-siglip-so400m-hers": (
        "SigLIP so400m, all weights, 5 epochs",
        "SigLIP so400m, todos os pesos, 5 épocas",
    ),
    "flickr30k-pt-siglip-so400m": ("the same in pieces and 16 bits", "o mesmo em partes e 16 bits"),
    "elip-paper-clip": ("ELIP-C as in its paper, 200,000 pictures", "ELIP-C como no artigo, 200,000 imagens"),
}
WORDS = {
    "en": {
        "head": "what ({gpu}, {price:.2f} USD an hour)", "one": "one costs", "hours": "hours of it",
        "embed": "million pictures embedded, {name}", "fits": "does not fit",
    },
    "pt": {
        "head": "o quê ({gpu}, {price:.2f} USD por hora)", "one": "um custa", "hours": "horas dela",
        "embed": "milhões de imagens em vetores, {name}", "fits": "não cabe",
    },
}  # fmt: skip


def chosen() -> cost.Gpu:
    """The row of our own table, whatever the user's says."""
    return cost.named(GPU, cost.load(ROOT / "src" / "mirante" / "cost" / "gpus.toml"))


def embedding_hours(address: str, gpu: cost.Gpu) -> float:
    """Hours for a million pictures: the slower of the GPU in 16 bits and of the cores that decode."""
    tower = shape(TrainConfig(out="x", data=Data("scenes"), model=Model(start=address))).image
    return MILLION * max(forward(tower) / gpu.speed("bf16"), DECODE / CORES) / 3600


def recipe_hours(name: str, gpu: cost.Gpu) -> float | None:
    """Hours of one run of a recipe; None where it does not fit."""
    (row,) = cost.estimate(read_config(ROOT / "configs" / f"{name}.toml"), probe=False, gpus=[gpu]).rows
    return row.hours if row.fits else None


def rows(lang: str) -> Iterator[tuple[str, float | None, bool]]:
    """What is bought, hours of one, and whether parts of it can be had."""
    gpu, said = chosen(), WORDS[lang]
    yield said["hours"], 1.0, True
    for name, address in ENCODERS.items():
        yield said["embed"].format(name=name), embedding_hours(address, gpu), True
    for name, told in RECIPES.items():
        yield told[lang == "pt"], recipe_hours(name, gpu), False


def table(lang: str) -> str:
    """The table in Markdown."""
    gpu, said = chosen(), WORDS[lang]
    head = [said["head"].format(gpu=gpu.name, price=gpu.usd_per_hour), said["one"], *(f"{one} USD" for one in BUDGETS)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, hours, parts in rows(lang):
        if hours is None:
            lines.append(f"| {name} | {said['fits']} |" + " |" * len(BUDGETS))
            continue
        usd = hours * gpu.usd_per_hour
        bought = [f"{one / usd:,.1f}" if parts else f"{math.floor(one / usd):,}" for one in BUDGETS]
        lines.append("| " + " | ".join([name, f"{usd:.2f} USD", *bought]) + " |")
    return numbers("\n".join(lines), lang)


PAGES = Written(
    {"en": GUIDE / "cost.md", "pt": GUIDE / "cost.pt-BR.md"},
    table,
    Path(__file__),
    "the recipes and the table of GPUs say",
)

if __name__ == "__main__":
    sys.exit(PAGES.main(__doc__))
