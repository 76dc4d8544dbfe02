"""Captions of many pictures: decoded in batches of the input's order, unreadable ones named and left out."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from PIL.Image import Image
from torch import Tensor

from mirante.captioning.styles import Style
from mirante.errors import UnreadableImage
from mirante.progress import track
from mirante.types import Picture


class Writer(Protocol):
    """What describes pictures."""

    batch: int

    def pixels(self, images: Sequence[Image]) -> Tensor:
        """RGB pictures → (B, 3, H, W)."""

    def write(self, pixels: Tensor, style: Style) -> list[str]:
        """A caption of each."""


@dataclass(frozen=True)
class Described:
    """What was said of one picture, or why nothing was.

    Args:
        picture: that was looked at.
        caption: of it, `""` where it could not be read.
        reason: why it could not be read, `""` where it could.
    """

    picture: Picture
    caption: str
    reason: str = ""


def describe(
    writer: Writer, pictures: Sequence[Picture], style: Style, *, done: frozenset[str] = frozenset()
) -> Iterator[list[Described]]:
    """Caption `pictures`, a batch of the input at a time.

    The same pictures give the same batches, and sampling draws for each batch by its own pictures, so work that is cut
    off and taken up gives what it would have given. torch's global generator is as it was after each batch.

    Args:
        writer: the captioner.
        pictures: what to describe.
        style: how.
        done: ids that need nothing more; batches of such alone are passed over.
    """
    groups = [pictures[at : at + writer.batch] for at in range(0, len(pictures), writer.batch)]
    groups = [group for group in groups if not {one.id for one in group} <= done]
    for group in track(groups, "captions", total=sum(map(len, groups)), unit="pictures", size=len):
        images, found = dict[str, Image](), dict[str, Described]()
        for picture in group:
            try:
                images[picture.id] = picture.load()
            except UnreadableImage as error:
                found[picture.id] = Described(picture, "", error.reason)
        texts = _written(writer, group, list(images.values()), style) if images else []
        known = {one.id: one for one in group}
        found |= {one: Described(known[one], text) for one, text in zip(images, texts, strict=True)}
        yield [found[picture.id] for picture in group if picture.id not in done]


def _written(writer: Writer, group: Sequence[Picture], images: list[Image], style: Style) -> list[str]:
    pixels = writer.pixels(images)
    if not style.temperature:
        return writer.write(pixels, style)
    with torch.random.fork_rng():
        torch.manual_seed(zlib.crc32("\n".join(one.content for one in group).encode()) ^ style.seed)
        return writer.write(pixels, style)
