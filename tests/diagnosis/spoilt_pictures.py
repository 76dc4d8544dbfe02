"""Pictures of `scenes` and what befalls pictures on their way from one data set to another."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from mirante.datasets import open_dataset
from mirante.types import Caption, Item, Pairs, Picture

Change = Callable[[Image.Image], Image.Image]


def scenes(split: str) -> list[Image.Image]:
    """The drawings of a split such as `test-10`."""
    return [item.picture.load() for item in open_dataset("scenes").items(split, "en")]


def jpeg(image: Image.Image, quality: int = 75) -> Image.Image:
    """The picture as it comes back from a JPEG file."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def cropped(image: Image.Image, share: float = 0.05, left: float = 0.5, top: float = 0.5) -> Image.Image:
    """Without `share` of the width and of the height, of which `left` and `top` go at the left and at the top."""
    width, height = image.size
    x, y = share * width, share * height
    box = (round(left * x), round(top * y), round(width - (1 - left) * x), round(height - (1 - top) * y))
    return image.crop(box)


def shown(images: Sequence[Image.Image], prefix: str) -> list[Picture]:
    """Pictures with ids `prefix0`, `prefix1` …, each with a content of its own."""
    return [Picture(f"{prefix}{n}", f"{prefix}-{n}", image.copy) for n, image in enumerate(images)]


def told(images: Sequence[Image.Image], texts: Sequence[str], prefix: str = "p") -> Pairs:
    """One picture a text; caption `p0#0` describes picture `p0`."""
    pictures = shown(images, prefix)
    items = [Item(one, (Caption(f"{one.id}#0", text),)) for one, text in zip(pictures, texts, strict=True)]
    return Pairs.from_items(items, "told")


def blank(level: int = 255) -> Image.Image:
    """A picture of one colour."""
    return Image.fromarray(np.full((60, 60, 3), level, np.uint8))
