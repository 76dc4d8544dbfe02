"""Plain tiles for data and an encoder that counts what it is given; run as a script, a worker that is easily killed.

The encoder's rows depend a little on the size of the batch, as a real network's do: rows are equal byte by byte only
where batches were composed alike.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from mirante.embeddings import Settings, embed
from mirante.embeddings.local import LOCAL
from mirante.errors import UnreadableImage
from mirante.types import Caption, Item, Picture, Provenance, Vectors


def tile(number: int, side: int = 4) -> Image.Image:
    return Image.new("RGB", (side, side), (number % 256, number // 256 % 256, number // 65536))


def broken() -> Image.Image:
    raise UnreadableImage("truncated", "the file ends early")


class Tiles:
    """`numbers[i]` is the picture of image `<prefix><i>`; a negative number cannot be read."""

    def __init__(
        self,
        numbers: Sequence[int],
        prefix: str = "tile-",
        name: str = "tiles",
        language: str = "en",
        side: int = 4,
    ) -> None:
        self.numbers, self.prefix, self.name, self.language, self.side = numbers, prefix, name, language, side
        self.revision, self.passes = "1", 0
        self.splits: tuple[str, ...] = ("test",)
        self.columns: Mapping[str, str] = {"image": "tile", "text": "words"}

    def count(self, split: str) -> int:
        return len(self.numbers)

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        self.passes += 1
        for at, number in enumerate(self.numbers):
            load = partial(tile, number, self.side) if number >= 0 else broken
            picture = Picture(f"{self.prefix}{at}", f"content {number}", load, {"number": number}, f"/tiles/{at}.png")
            captions = [
                Caption(f"{self.prefix}{at}#{n}", f"{word} {number}", self.language) for n, word in enumerate("ab")
            ]
            yield Item(picture, tuple(captions))


class Counting:
    """Rows of length 1 in 4 dimensions, and how often each picture and text was encoded."""

    dim = 4

    def __init__(self, delay: float = 0.0, revision: str = "r1", preprocessing: str = "p1") -> None:
        self.delay, self.pictures, self.words = delay, Counter[int](), Counter[str]()
        self.provenance = Provenance("counting", revision, preprocessing)

    def busy(self) -> None:
        """Called before each batch."""

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        pixels = [image.getpixel((0, 0)) for image in images]
        self.pictures.update(r + 256 * g + 65536 * b for r, g, b in pixels)
        return self._rows([repr(one) for one in pixels])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        self.words.update(texts)
        return self._rows(texts)

    def _rows(self, names: Sequence[str]) -> Vectors:
        self.busy()
        time.sleep(self.delay)
        rows = np.array([list(sha256(name.encode()).digest()[:4]) for name in names], np.float32)
        rows = rows + 1 + len(names) * 1e-4
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


# Every seventh picture repeats an earlier one and every eleventh cannot be read.
KILLED = Tiles([-1 if i % 11 == 5 else i // 2 if i % 7 == 6 else i for i in range(160)])
SMALL = Settings(batch=4, shard=16)


class Talking(Counting):
    """Says `busy` when it starts its first batch."""

    said = False

    def busy(self) -> None:
        if not self.said:
            self.said = True
            sys.stdout.write("busy\n")
            sys.stdout.flush()


if __name__ == "__main__":
    slow, engine = float(sys.argv[2]), LOCAL
    if "ray" in sys.argv:
        from mirante.embeddings.ray import Ray

        engine = Ray(partial(Counting, slow))
    report = embed(KILLED, Talking(delay=slow), Path(sys.argv[1]), SMALL, engine=engine)
    sys.stdout.write(f"{report.images['embedded']} {report.texts['embedded']} {KILLED.passes}\n")
