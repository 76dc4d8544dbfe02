"""How a picture is shown, no larger than it needs to be: to a judge as an image or data URL, small in a report."""

import base64
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL.Image import Image, Resampling

from mirante.errors import UnreadableImage
from mirante.types import Picture

SIDE = 768
"""Longest side of what is shown, in pixels: more costs more tokens and upload."""
SMALL = 192
"""Longest side in a report, in pixels."""
LOSSLESS = 256
"""Up to this longest side a data URL holds a PNG, beyond it a JPEG."""


def shown(image: Image) -> Image:
    """An RGB picture as it is, or scaled down so that its longest side is `SIDE`."""
    if max(image.size) <= SIDE:
        return image
    width, height = (max(1, round(side * SIDE / max(image.size))) for side in image.size)
    return image.resize((width, height), Resampling.LANCZOS)


def thumbnail(image: Image, identity: str, folder: Path) -> Path:
    """Keep an RGB picture small under `folder`, which exists, as a JPEG named by the hash of its id."""
    path, small = folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.jpg", image.copy()
    small.thumbnail((SMALL, SMALL))
    small.save(path, quality=85)
    return path


def thumbnails(pictures: Iterable[Picture], folder: Path) -> None:
    """Keep pictures small under `folder`, which is made; those that cannot be read are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        with suppress(UnreadableImage):
            thumbnail(picture.load(), picture.id, folder)


def data_url(image: Image) -> str:
    """The picture as shown, in a `data:` URL (RFC 2397)."""
    image, written = shown(image), BytesIO()
    kind = "png" if max(image.size) <= LOSSLESS else "jpeg"
    image.save(written, format=kind, **({"quality": 90} if kind == "jpeg" else {}))
    return f"data:image/{kind};base64,{base64.b64encode(written.getvalue()).decode('ascii')}"
