"""Pictures from words: drawn step by step towards what an encoder takes for them, or sampled and ranked by it.

terms ─▶ guide ─▶ aims ┐
parametrisation ─▶ picture ─▶ cut-outs ─▶ guide ─▶ distance ─▶ gradient, and again        (fourier, pixels, vqgan)
terms ─▶ pipeline of diffusers ─▶ samples ─▶ the encoder ranks them                       (diffusers)
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from mirante.errors import UsageError
from mirante.imagine.optimise import Preview, Steps, optimise
from mirante.search import compose
from mirante.types import Encoder, Query, Term

__all__ = ["Imagined", "Steps", "Wish", "best_first", "imagine", "similarity"]

SAMPLER = "diffusers"


@dataclass(frozen=True)
class Wish:
    """What is to be drawn, and how.

    Args:
        terms: weighted texts and pictures.
        generator: `fourier`, `pixels`, `vqgan:ADDRESS` or `diffusers:ADDRESS`.
        seeds: one picture each.
        size: side in pixels; None for what suits the generator.
        steps: of the optimisation; of a pipeline only their number counts.
    """

    terms: tuple[Term, ...]
    generator: str = "fourier"
    seeds: tuple[int, ...] = (0,)
    size: int | None = None
    steps: Steps = field(default_factory=Steps)

    def __post_init__(self) -> None:
        if len(set(self.seeds)) != len(self.seeds) or not self.seeds or min(self.seeds) < 0:
            raise UsageError(f"Seeds must be whole numbers from 0, each once, not {self.seeds}: change them.")


@dataclass(frozen=True)
class Imagined:
    """One picture that was drawn.

    Args:
        seed: of it.
        image: RGB.
        similarity: cosine with the composed prompts, under the guide, of the finished picture as a file shows it.
        seconds: that it took.
        way: the steps of its previews, with the pictures; the last is `image`.
    """

    seed: int
    image: Image.Image
    similarity: float
    seconds: float
    way: tuple[tuple[int, Image.Image], ...]


Seen = Callable[[int, int, Image.Image], None]
"""What hears of previews: seed, step, picture."""


def imagine(wish: Wish, encoder: Encoder, seen: Seen = lambda seed, step, image: None) -> Iterable[Imagined]:
    """Yield one picture for each seed, in the order of the seeds.

    Args:
        wish: what is to be drawn.
        encoder: guides the drawing, or judges the samples.
        seen: hears of each preview as it comes.

    Raises:
        UsageError: the encoder cannot guide, the prompts weigh nothing, or the size does not suit.
        UnknownName: no such generator.
        ModelError: the generator's weights cannot be used.
        MissingLibrary: it needs a library that is not installed.
    """
    way = _sampled(wish) if wish.generator.partition(":")[0] == SAMPLER else _optimised(wish, encoder)
    for seed in wish.seeds:
        start, shots = time.monotonic(), []
        for step, image in way(seed):
            shots.append((step, image))
            seen(seed, step, image)
        image = shots[-1][1]
        likeness = similarity(image, wish.terms, encoder)
        yield Imagined(seed, image, likeness, time.monotonic() - start, tuple(shots))


def similarity(image: Image.Image, terms: tuple[Term, ...], encoder: Encoder) -> float:
    """Cosine of a picture with the sum of its prompts, under any encoder.

    Raises:
        UsageError: the prompts cancel out.
    """
    return float(encoder.encode_images([image])[0] @ compose(Query(terms), encoder))


def best_first(found: Iterable[Imagined]) -> list[Imagined]:
    """The pictures by falling similarity; equal ones by seed."""
    return sorted(found, key=lambda one: (-one.similarity, one.seed))


Way = Callable[[int], Iterable[tuple[int, Image.Image]]]


def _optimised(wish: Wish, encoder: Encoder) -> Way:
    from mirante.imagine.guide import Guide
    from mirante.imagine.parametrisations import Drawing, open_parametrisation

    guide = Guide(encoder)
    aims = guide.aims(wish.terms)

    def way(seed: int) -> Iterable[tuple[int, Image.Image]]:
        drawn = open_parametrisation(wish.generator, Drawing(wish.size, seed, guide.device))
        for preview in optimise(drawn, guide, aims, steps=wish.steps, seed=seed, label=f"imagine #{seed}"):
            yield preview.step, _image(preview)

    return way


def _sampled(wish: Wish) -> Way:
    from mirante.imagine.sampling import Sampler
    from mirante.progress import track

    sampler = Sampler(wish.generator.partition(":")[2])
    progress = iter(track(wish.seeds, "imagine", total=len(wish.seeds), unit="pictures"))

    def way(seed: int) -> Iterable[tuple[int, Image.Image]]:
        next(progress)
        yield wish.steps.count, sampler.sample(wish.terms, seed, steps=wish.steps.count, size=wish.size)

    return way


def _image(preview: Preview) -> Image.Image:
    levels: Any = (preview.rgb.permute(1, 2, 0).numpy() * 255).round().clip(0, 255).astype(np.uint8)
    return Image.fromarray(levels)
