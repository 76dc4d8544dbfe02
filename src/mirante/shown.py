"""How a picture is shown to a judge: no larger than it needs to be, as an image or as a data URL."""

import base64
from io import BytesIO

from PIL.Image import Image, Resampling

SIDE = 768
"""Longest side of what is shown, in pixels: more costs more tokens and upload."""
LOSSLESS = 256
"""Up to this longest side a data URL holds a PNG, beyond it a JPEG."""


def shown(image: Image) -> Image:
    """An RGB picture as it is, or scaled down so that its longest side is `SIDE`."""
    if max(image.size) <= SIDE:
        return image
    width, height = (max(1, round(side * SIDE / max(image.size))) for side in image.size)
    return image.resize((width, height), Resampling.LANCZOS)


def data_url(image: Image) -> str:
    """The picture as shown, in a `data:` URL (RFC 2397)."""
    image, written = shown(image), BytesIO()
    kind = "png" if max(image.size) <= LOSSLESS else "jpeg"
    image.save(written, format=kind, **({"quality": 90} if kind == "jpeg" else {}))
    return f"data:image/{kind};base64,{base64.b64encode(written.getvalue()).decode('ascii')}"
