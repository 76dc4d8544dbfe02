"""Pictures ready for the network: decoded and resized once, kept as bytes, normalised per batch."""

import hashlib
import json
import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mirante.batch import Batches
from mirante.errors import DataError, ModelError, UnreadableImage
from mirante.progress import track
from mirante.training import cache
from mirante.types import Picture, Provenance

if TYPE_CHECKING:
    import torch

_CHUNK = 64

Bytes: TypeAlias = NDArray[np.uint8]
Decoded: TypeAlias = tuple[Bytes, dict[int, str]]
"""(k, 3, H, W) of k pictures, and of those that cannot be read the number and why; their rows are black."""


class Seeing(Protocol):
    """A model that takes pictures."""

    device: "torch.device"
    image_processor: Any

    @property
    def provenance(self) -> Provenance:
        """Of the checkpoint as it was opened."""


class Pictures:
    """Every readable training picture at the network's size.

    Args:
        pixels: (n, 3, H, W) uint8, possibly memory-mapped.
        mean: (3,) of the model's normalisation.
        std: (3,) likewise.
        device: where batches are wanted; they travel there as bytes.
        unreadable: pictures by number in `pixels` that could not be read → why; they have no row.
    """

    def __init__(
        self,
        pixels: Bytes,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        device: "torch.device | str" = "cpu",
        unreadable: Mapping[int, str] | None = None,
    ) -> None:
        import torch

        self.unreadable: dict[str, str] = {}
        self._pixels, self._device = pixels, torch.device(device)
        self._places = np.setdiff1d(np.arange(len(pixels)), list(unreadable or {}))
        self._mean, self._std = (torch.tensor(one).view(3, 1, 1).to(self._device) for one in (mean, std))
        levels = torch.arange(256).float().div(255)
        self._levels = ((levels - torch.tensor(mean)[:, None]) / torch.tensor(std)[:, None]).numpy()

    def batch(self, rows: NDArray[np.int64]) -> "torch.Tensor":
        """Pixels of those rows, (B, 3, H, W) float32 on the device, as the model's own processor gives them."""
        import torch

        places = self._places[rows]
        if self._device.type != "cpu":
            raw = torch.from_numpy(self._pixels[places]).to(self._device)
            return raw.float().div_(255).sub_(self._mean).div_(self._std)
        made = np.empty((len(places), *self._pixels.shape[1:]), dtype=np.float32)
        for picture, place in zip(made, places, strict=True):
            for channel, levels in enumerate(self._levels):
                np.take(levels, self._pixels[place, channel], out=picture[channel], mode="clip")
        return torch.from_numpy(made)

    def __len__(self) -> int:
        return len(self._places)


def prepare(batches: Batches, encoder: Seeing) -> tuple[Batches, Pictures]:
    """Decode and resize every picture once; kept in the cache folder for the next run with the same data and model.

    Returns:
        The batches without the pictures that cannot be read, and the pixels of the others, in the order of the
        batches; `Pictures.unreadable` says by id which were left out and why.

    Raises:
        ModelError: the model takes pictures of any shape (NaFlex).
        DataError: no picture can be read, or batches of this kind need one that cannot.
        StoreError: the cache does not fit on the disk.
    """
    pictures, processor = batches.pictures, encoder.image_processor
    target = cache.folder() / f"pixels-{_key(pictures, encoder)}.npy"
    shape = (len(pictures), 3, *input_size(encoder))
    found = _open(target, shape)
    if found is None:
        _make(target, shape, pictures, processor)
        found = np.load(target, mmap_mode="r")
    unreadable = _reasons(target)
    made = Pictures(found, processor.image_mean, processor.image_std, device=encoder.device, unreadable=unreadable)
    made.unreadable = {pictures[number].id: why for number, why in unreadable.items()}
    return _without(batches, made.unreadable), made


def input_size(encoder: Seeing) -> tuple[int, int]:
    """Height and width in pixels that the network takes.

    Raises:
        ModelError: it takes pictures of any shape (NaFlex).
    """
    processor = encoder.image_processor
    size: Any = processor.crop_size if getattr(processor, "do_center_crop", False) else getattr(processor, "size", None)
    try:
        return int(size["height"]), int(size["width"])
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"{encoder.provenance.model!r} takes pictures of any shape ({type(processor).__name__}), which training "
            "cannot keep prepared: start from a model of one resolution, such as google/siglip2-base-patch16-224."
        ) from error


def _open(target: Path, shape: tuple[int, ...]) -> Bytes | None:
    """The cached pixels, None where they are missing or damaged."""
    try:
        found: Bytes = np.load(target, mmap_mode="r")
        if found.shape == shape:
            return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError):
        pass
    target.unlink(missing_ok=True)
    return None


def _make(target: Path, shape: tuple[int, ...], pictures: Sequence[Picture], processor: Any) -> None:
    with cache.write(target, int(np.prod(shape))) as file:
        if file is None:
            return
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        unreadable = _fill(file, pictures, processor, shape[2:])
        if len(unreadable) == len(pictures):
            first = pictures[0]
            raise DataError(
                f"None of the {len(pictures)} training pictures can be read; the first, {first.id!r}: {unreadable[0]}. "
                "`mirante inspect` says why."
            )
        notes = target.with_suffix(".json")
        notes.unlink(missing_ok=True)
        if unreadable:
            notes.write_text(json.dumps(unreadable), encoding="utf-8")


def _fill(file: BinaryIO, pictures: Sequence[Picture], processor: Any, size: tuple[int, ...]) -> dict[int, str]:
    """Write every picture in order; of those that cannot be read the number and why."""
    at, unreadable = 0, dict[int, str]()
    with _workers(pictures) as (workers, ahead):
        chunks = (pictures[first : first + _CHUNK] for first in range(0, len(pictures), _CHUNK))
        waiting = _ahead(workers, chunks, (processor, size), ahead)
        for pixels, bad in track(
            waiting, "pictures", total=len(pictures), unit="pictures", size=lambda one: len(one[0])
        ):
            file.write(pixels.tobytes())
            unreadable |= {at + number: why for number, why in bad.items()}
            at += len(pixels)
    return unreadable


def _ahead(
    workers: Executor, chunks: Iterator[Sequence[Picture]], how: tuple[Any, tuple[int, ...]], ahead: int
) -> Iterator[Decoded]:
    """Loaded chunks in order, a few of them under way."""
    waiting: list[Any] = []
    for chunk in chunks:
        waiting.append(workers.submit(load, chunk, *how))
        if len(waiting) > ahead:
            yield waiting.pop(0).result()
    while waiting:
        yield waiting.pop(0).result()


def load(pictures: Sequence[Picture], processor: Any, size: tuple[int, ...]) -> Decoded:
    """Decode and resize pictures as the model's own processor does, without normalising."""
    pixels = np.zeros((len(pictures), 3, *size), dtype=np.uint8)
    images, unreadable = {}, {}
    for number, picture in enumerate(pictures):
        try:
            images[number] = picture.load()
        except UnreadableImage as error:
            unreadable[number] = error.reason
    if images:
        given = processor(images=[*images.values()], do_rescale=False, do_normalize=False, return_tensors="np")
        pixels[list(images)] = given["pixel_values"]
    return pixels, unreadable


@contextmanager
def _workers(pictures: Sequence[Picture]) -> Iterator[tuple[Executor, int]]:
    """Forked processes, as torch's loaders use, where pictures can be sent to them; else threads."""
    cores = max(1, os.cpu_count() or 1)
    try:
        pickle.dumps(pictures[:1])
        pool: Executor = ProcessPoolExecutor(cores, mp_context=get_context("fork"))
    except (pickle.PicklingError, AttributeError, TypeError, ValueError):
        pool = ThreadPoolExecutor(cores)
    with pool:
        yield pool, 2 * cores


def _reasons(target: Path) -> dict[int, str]:
    notes = target.with_suffix(".json")
    if not notes.is_file():
        return {}
    return {int(number): why for number, why in json.loads(notes.read_text(encoding="utf-8")).items()}


def _without(batches: Batches, unreadable: Mapping[str, str]) -> Batches:
    if not unreadable:
        return batches
    leave_out = getattr(batches, "without", None)
    if leave_out is None:
        first, why = next(iter(unreadable.items()))
        raise DataError(
            f"{len(unreadable)} training pictures cannot be read, first {first!r} ({why}), and batches of this kind "
            "need every picture: repair them."
        )
    rest: Batches = leave_out(unreadable)
    return rest


def _key(pictures: Sequence[Picture], encoder: Seeing) -> str:
    digest = hashlib.sha256(str(encoder.image_processor.to_dict()).encode())
    for picture in pictures:
        digest.update(picture.content.encode())
    return digest.hexdigest()[:24]
