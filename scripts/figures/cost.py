"""What a step of training holds in memory, part by part, for four recipes; write docs/figures/cost-memory.*.png.

    python scripts/figures/cost.py

The figures are those of `mirante estimate`, by arithmetic alone, for batches of 128 pairs.
"""

from functools import cache

from _drawn import BLUE, GREEN, GREY, ORANGE, PINK, write
from matplotlib.figure import Figure

from mirante.cost import estimate
from mirante.training import TrainConfig
from mirante.training.config import Data, Lora, LossTerm, Memory, Model, Trained

PARTS = {"weights": BLUE, "gradients": GREEN, "optimiser": PINK, "activations": ORANGE}
WORDS = {
    "en": {"weights": "weights", "gradients": "gradients", "optimiser": "AdamW", "activations": "activations"},
    "pt-BR": {"weights": "pesos", "gradients": "gradientes", "optimiser": "AdamW", "activations": "ativações"},
}
ROWS = {
    "en": ("B/32", "L/14", "L/14, pieces of 16,\ncomputed twice, bf16", "the same, LoRA"),
    "pt-BR": ("B/32", "L/14", "L/14, partes de 16,\nrefeitas, bf16", "o mesmo, LoRA"),
}
CARDS = (8, 24, 80)


def recipe(size: str, *, less: bool = False, lora: bool = False) -> TrainConfig:
    """Batches of 128 pairs of Flickr30k in Portuguese."""
    return TrainConfig(
        out="x",
        data=Data("hf:laicsiifes/flickr30k-pt-br:train", language="pt-BR"),
        model=Model(start=f"openai/clip-vit-{size}"),
        epochs=5.0,
        batch=128,
        losses=(LossTerm("infonce"),),
        memory=Memory(micro=16, checkpointing=True, precision="bf16") if less else Memory(),
        trained=Trained(lora=Lora(rank=16, alpha=32.0)) if lora else Trained(),
    )


@cache
def parts() -> tuple[dict[str, float], ...]:
    """GB of each part, for each recipe."""
    large = "large-patch14"
    asked = (recipe("base-patch32"), recipe(large), recipe(large, less=True), recipe(large, less=True, lora=True))
    told = [estimate(one, probe=False).memory.parts for one in asked]
    return tuple({name: one[name] / 1e9 for name in PARTS} for one in told)


def draw(lang: str) -> Figure:
    """Stacked bars, and the sizes of usual cards."""
    figure = Figure(figsize=(8.0, 3.5))
    axes = figure.add_subplot()
    for at, row in enumerate(parts()):
        left = 0.0
        for name, colour in PARTS.items():
            axes.barh(at, row[name], left=left, color=colour, height=0.6, label=None if at else WORDS[lang][name])
            left += row[name]
        axes.text(
            left + 0.8, at, f"{left:.0f} GB", va="center", fontsize=10, bbox={"fc": "white", "ec": "none", "pad": 1}
        )
    for size in CARDS:
        axes.axvline(size, color=GREY, ls="--", lw=1)
        axes.text(size + 0.4, -0.62, f"{size} GB", color=GREY, fontsize=9)
    axes.set_yticks(range(len(ROWS[lang])), ROWS[lang])
    axes.set(xlim=(0, 92), ylim=(3.6, -0.85), xlabel="GB")
    axes.grid(visible=False, axis="y")
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(0.86, 0.0))
    return figure


if __name__ == "__main__":
    write("cost-memory", draw)
