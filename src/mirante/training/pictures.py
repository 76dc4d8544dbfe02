"""Pictures ready for the network: decoded and resized once, kept as bytes, normalised per batch."""

import hashlib
import os
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from mirante.batch import Batches
from mirante.errors import DataError, UnreadableImage
from mirante.progress import track
from mirante.types import Picture

if TYPE_CHECKING:
    import torch

    from mirante.encoders._dual import DualEncoder

_CHUNK = 64


class Pictures:
    """Every training picture at the network's size.

    Args:
        pixels: (n, 3, H, W) uint8, possibly memory-mapped.
        mean: (3,) of the model's normalisation.
        std: (3,) likewise.
    """

    def __init__(self, pixels: NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]) -> None:
        import torch

        self.unreadable: dict[str, str] = {}
        self._pixels = pixels
        self._mean = torch.tensor(mean).view(1, 3, 1, 1)
        self._std = torch.tensor(std).view(1, 3, 1, 1)

    def batch(self, rows: NDArray[np.int64]) -> "torch.Tensor":
        """Pixels of those rows, (B, 3, H, W) float32, as the model's own processor gives them."""
        import torch

        raw = torch.from_numpy(self._pixels[rows])
        return (raw.float() / 255 - self._mean) / self._std

    def __len__(self) -> int:
        return len(self._pixels)


def prepare(batches: Batches, encoder: "DualEncoder") -> tuple[Batches, Pictures]:
    """Decode and resize `pictures` once; kept in the cache folder for the next run with the same data and model.

    Raises:
        DataError: a picture cannot be read; it is named (leave it out with the data set's own tools).
    """
    pictures = batches.pictures
    processor = encoder.image_processor
    target = _cache() / f"pixels-{_key(pictures, encoder)}.npy"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        side = processor.crop_size if getattr(processor, "do_center_crop", False) else processor.size
        shape = (len(pictures), 3, side["height"], side["width"])
        part = target.with_suffix(f".{os.getpid()}.part")
        pixels = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)
        _fill(pixels, pictures, processor)
        pixels.flush()
        part.replace(target)
    return batches, Pictures(np.load(target, mmap_mode="r"), processor.image_mean, processor.image_std)


def _fill(pixels: NDArray[np.uint8], pictures: Sequence[Picture], processor: Any) -> None:
    at = 0
    with _workers(pictures) as workers:
        chunks = (pictures[first : first + _CHUNK] for first in range(0, len(pictures), _CHUNK))
        for images in track(_ahead(workers, chunks), "pictures", total=len(pictures), unit="pictures", size=len):
            given = processor(images=images, do_rescale=False, do_normalize=False, return_tensors="np")
            pixels[at : at + len(images)] = given["pixel_values"]
            at += len(images)


def _ahead(workers: Executor, chunks: Iterator[Sequence[Picture]]) -> Iterator[list[Image]]:
    """Loaded chunks in order, a few of them under way."""
    waiting: list[Any] = []
    for chunk in chunks:
        waiting.append(workers.submit(_load, chunk))
        if len(waiting) > 4:
            yield waiting.pop(0).result()
    while waiting:
        yield waiting.pop(0).result()


def _load(pictures: Sequence[Picture]) -> list[Image]:
    images = []
    for picture in pictures:
        try:
            images.append(picture.load())
        except UnreadableImage as error:
            raise DataError(
                f"Training picture {picture.id!r} cannot be read ({error.reason}): leave it out."
            ) from error
    return images


@contextmanager
def _workers(pictures: Sequence[Picture]) -> Iterator[Executor]:
    """Forked processes, as torch's loaders use, where pictures can be sent to them; else threads."""
    cores = max(1, os.cpu_count() or 1)
    try:
        pickle.dumps(pictures[:1])
        pool: Executor = ProcessPoolExecutor(cores, mp_context=get_context("fork"))
    except (pickle.PicklingError, AttributeError, TypeError, ValueError):
        pool = ThreadPoolExecutor(cores)
    with pool:
        yield pool


def _key(pictures: Sequence[Picture], encoder: "DualEncoder") -> str:
    digest = hashlib.sha256(str(encoder.image_processor.to_dict()).encode())
    for picture in pictures:
        digest.update(picture.content.encode())
    return digest.hexdigest()[:24]


def _cache() -> Path:
    return Path(os.environ.get("MIRANTE_CACHE", Path.home() / ".cache" / "mirante"))
