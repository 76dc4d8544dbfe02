"""Four queries and the five scenes that the embedded model finds for each; write docs/figures/retrieval.*.png."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from _drawn import BLUE, GREY, ORANGE, decimal, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL.Image import Image

from mirante.datasets.scenes import RESOLUTION, SceneDataset
from mirante.datasets.scenes.drawing import draw as render
from mirante.datasets.scenes.world import Scene
from mirante.encoders import load
from mirante.search import compose, parse_terms
from mirante.types import Query, Term

SPLIT = "test-500"
SHOWN = 5
GIVEN = 29
"""The scene that asks for others like it: three dotted green fish in the snow."""


@dataclass(frozen=True)
class Asked:
    """One row of the figure: what is asked, in words for each language, and what a right answer holds."""

    terms: tuple[Term, ...]
    words: dict[str, str]
    kind: str
    background: str
    without: bool = False
    """Whether a right answer is anywhere but there."""

    def right(self, scene: Scene) -> bool:
        """Whether a scene has a thing of that kind, there or not there."""
        holds = any(thing.kind == self.kind for thing in scene.things)
        return holds and (scene.background == self.background) != self.without


@cache
def gallery() -> tuple[tuple[Scene, ...], tuple[Image, ...], np.ndarray]:
    """The scenes, their pictures and the rows of these (n, d)."""
    scenes = tuple(SceneDataset().scenes(SPLIT))
    images = tuple(render(one, RESOLUTION) for one in scenes)
    return scenes, images, load("scenes").encode_images(images)


def questions() -> Sequence[Asked]:
    """What is asked, row by row."""
    return (
        Asked(
            parse_terms("a cat on the beach"),
            {"en": "“a cat on the beach”", "pt-BR": "“a cat on the beach”\n(um gato na praia)"},
            "cat",
            "beach",
        ),
        Asked(
            parse_terms("um gato na praia"),
            {"en": "“um gato na praia”\n(the same in\nPortuguese)", "pt-BR": "“um gato na praia”\n(em português)"},
            "cat",
            "beach",
        ),
        Asked(
            parse_terms("a cat", minus=["under water"]),
            {"en": "“a cat”\n− “under water”", "pt-BR": "“a cat”\n− “under water”\n(gato − debaixo\nd'água)"},
            "cat",
            "sea",
            without=True,
        ),
    )


def draw(lang: str) -> Figure:
    """The figure in one language."""
    scenes, images, rows = gallery()
    asked, encoder = questions(), load("scenes")
    figure, axes = plt.subplots(len(asked) + 1, SHOWN + 1, figsize=(8.6, 6.6))
    for line, one in zip(axes, asked, strict=False):
        _words(line[0], one.words[lang])
        _answers(line[1:], rows @ compose(Query(one.terms), encoder), lang, one.right)
    _picture(axes[-1][0], images[GIVEN])
    axes[-1][0].set_title({"en": "this picture", "pt-BR": "esta imagem"}[lang], fontsize=10)
    scores = rows @ rows[GIVEN]
    scores[GIVEN] = -1
    given = scenes[GIVEN].things[0].kind
    _answers(axes[-1][1:], scores, lang, lambda scene: any(one.kind == given for one in scene.things))
    figure.tight_layout(h_pad=0.6, w_pad=0.4)
    return figure


def _answers(axes: Sequence[Axes], scores: np.ndarray, lang: str, right: Callable[[Scene], bool]) -> None:
    scenes, images, _ = gallery()
    for axis, at in zip(axes, np.argsort(-scores), strict=False):
        good = right(scenes[at])
        colour = BLUE if good else ORANGE
        _picture(axis, images[at], colour)
        axis.set_title(f"{'✓' if good else '✗'} {decimal(scores[at], 2, lang)}", fontsize=10, color=colour)


def _picture(axis: Axes, image: Image, colour: str = GREY) -> None:
    axis.imshow(image)
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    for side in axis.spines.values():
        side.set(visible=True, color=colour, linewidth=1 if colour == GREY else 2.5)


def _words(axis: Axes, words: str) -> None:
    axis.axis("off")
    axis.text(0.5, 0.5, words, ha="center", va="center", fontsize=9.5)


if __name__ == "__main__":
    write("retrieval", draw)
