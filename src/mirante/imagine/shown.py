"""What is kept of pictures that were drawn: the way as an animation, and all of them on one sheet."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from mirante.disk import disk
from mirante.errors import UsageError

FRAME, REST = 120, 1500
"""Milliseconds of a preview, and of the finished picture."""
MARGIN = 4


def save_animation(frames: Sequence[Image.Image], path: Path) -> None:
    """Write the way as a GIF that repeats, the last frame longest.

    Raises:
        UsageError: no frames.
        StoreError: the disk is full or refuses.
    """
    if not frames:
        raise UsageError(f"No previews for {path.name!r}: give at least one.")
    shown = [frame.convert("P", palette=Image.Palette.ADAPTIVE) for frame in frames]
    times = [FRAME] * (len(shown) - 1) + [REST]
    with disk(path):
        shown[0].save(path, save_all=True, append_images=shown[1:], duration=times, loop=0, disposal=1)


def contact_sheet(rows: Sequence[Sequence[Image.Image]], cell: int | None = None) -> Image.Image:
    """Pictures in rows on white, each in a square cell; rows may be of different lengths.

    Args:
        rows: the pictures, at least one.
        cell: side of a cell in pixels; None for the longest side of the first picture.

    Raises:
        UsageError: no pictures.
    """
    if not rows or not all(rows):
        raise UsageError("A contact sheet needs at least one picture in each row.")
    side = cell or max(rows[0][0].size)
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", [MARGIN + count * (side + MARGIN) for count in (columns, len(rows))], "white")
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            fitted = image.resize([max(1, round(one * side / max(image.size))) for one in image.size])
            sheet.paste(fitted, (MARGIN + across * (side + MARGIN), MARGIN + down * (side + MARGIN)))
    return sheet


def evenly(shots: Sequence[Image.Image], count: int) -> list[Image.Image]:
    """At most `count` of the pictures, evenly along the way, the last one always among them.

    >>> evenly("abcdefg", 3)
    ['a', 'd', 'g']
    """
    if len(shots) <= count or count < 2:
        return list(shots[-count:])
    return [shots[round(at * (len(shots) - 1) / (count - 1))] for at in range(count)]
