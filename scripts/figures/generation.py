"""Pictures on their way from noise to “a large red star at night”, beside a scene that shows it.

    python scripts/figures/generation.py

The guide is the embedded model; the cosine with the words stands above each picture.
"""

from functools import cache

from _drawn import GREY, decimal, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

import mirante
from mirante.datasets.scenes import RESOLUTION
from mirante.datasets.scenes.drawing import draw as render
from mirante.datasets.scenes.world import Scene, Thing
from mirante.imagine import Steps, Wish, imagine
from mirante.types import Encoder, Term

WORDS = "a large red star at night"
SHOWN = (20, 60, 180)
SAID = {
    "en": {"step": "step {n}", "scene": "a drawn scene", "cosine": "cosine {value}"},
    "pt-BR": {"step": "passo {n}", "scene": "uma cena desenhada", "cosine": "cosseno {value}"},
}


@cache
def ways(encoder: Encoder) -> dict[str, list[tuple[int, Image.Image]]]:
    """Generator → the pictures at the shown steps."""
    found = {}
    for name in ("pixels", "fourier"):
        wish = Wish((Term(1.0, WORDS),), name, (0,), 64, Steps(SHOWN[-1], preview_every=20))
        (made,) = imagine(wish, encoder)
        found[name] = [(step, image) for step, image in made.way if step in SHOWN]
    return found


def scene() -> Image.Image:
    """A picture of which the words are true."""
    star = Thing("star", "red", "large", "plain", 0.5, 0.5, 0.5)
    return render(Scene((star,), "night", "flat", 0), RESOLUTION)


def figure(lang: str, encoder: Encoder) -> Figure:
    """Two rows of pictures on their way, and the scene."""
    drawn, true, said = ways(encoder), scene(), SAID[lang]
    made = Figure(figsize=(8.4, 4.9))
    grid = made.add_gridspec(2, 4, width_ratios=(1, 1, 1, 1.25), hspace=0.28, wspace=0.12)
    for row, (name, pictures) in enumerate(drawn.items()):
        for column, (step, image) in enumerate(pictures):
            axes = made.add_subplot(grid[row, column])
            _show(axes, image, _cosine(encoder, image, lang), said["step"].format(n=step) if row else "")
            if not column:
                axes.set_ylabel(name, fontsize=11)
    _show(made.add_subplot(grid[:, 3]), true, _cosine(encoder, true, lang), said["scene"])
    return made


def _cosine(encoder: Encoder, image: Image.Image, lang: str) -> str:
    value = float(encoder.encode_images([image])[0] @ encoder.encode_texts([WORDS])[0])
    return SAID[lang]["cosine"].format(value=decimal(value, 2, lang))


def _show(axes: Axes, image: Image.Image, above: str, below: str) -> None:
    axes.imshow(image.resize((192, 192), Image.Resampling.BICUBIC))
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.set_title(above, fontsize=10)
    axes.set_xlabel(below, fontsize=10, color=GREY)


if __name__ == "__main__":
    model = mirante.load_encoder("scenes")
    write("imagine-way", lambda lang: figure(lang, model))
