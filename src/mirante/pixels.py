"""Encoded bytes become an RGB picture, or one `UnreadableImage` that says why; nothing else comes out.

Rightly read: EXIF rotation, the first frame of animations, CMYK, 1-bit, 16-bit and floating-point grey (scaled,
not clipped), palettes and transparency (laid over white). The size that a header claims is checked before any
pixel is decoded.
"""

import hashlib
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from mirante.errors import UnreadableImage

MAX_PIXELS = 100_000_000
"""Largest picture decoded by default, in pixels (300 MB as RGB)."""

REASONS = ("empty", "not-an-image", "truncated", "damaged", "too-large", "missing", "remote", "no-access")
"""Every reason code that an `UnreadableImage` carries."""

_SUFFIXES = "png apng jpg jpeg jpe jfif mpo gif webp bmp dib tif tiff ppm pgm pbm pnm jp2 avif"
SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split(" "))
"""File names that end so are taken for pictures."""

_WANTED = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF")
_MAGIC = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|BM.{4}\0{4}|II[*+]\0|MM\0[*+]|\0\0\0\x0cjP  |.{4}ftypavi[fs]",
    re.DOTALL,
)
_ENDS = {b"\x89PNG": b"IEND", b"\xff\xd8\xff": b"\xff\xd9", b"GIF8": b";"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


_least_side: ContextVar[int] = ContextVar("least side", default=0)


@contextmanager
def reduced(side: int) -> Iterator[None]:
    """Within this block, and in this thread, JPEG files are decoded at 1/2, 1/4 or 1/8 of their size where they can be.

    Args:
        side: neither width nor height of what is decoded falls below this many pixels; smaller files stay as they are.
    """
    before = _least_side.set(side)
    try:
        yield
    finally:
        _least_side.reset(before)


def content_hash(data: bytes) -> str:
    """Hash of encoded bytes: 32 hexadecimal digits (BLAKE2b, 128 bits)."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode one encoded picture to RGB, upright, without metadata.

    Args:
        data: the bytes of a PNG, JPEG, GIF, WebP, BMP, TIFF, PNM, JPEG 2000 or AVIF file.
        max_pixels: refuse pictures whose header claims more than this many pixels (Pillow's own limit stays).

    Raises:
        UnreadableImage: with a reason of `REASONS`, for whatever else the bytes hold.
    """
    if not data:
        raise UnreadableImage("empty", "the file holds no bytes; fetch it again")
    try:
        with _strict_pillow:
            return _decode(data, max_pixels)
    except UnreadableImage:
        raise
    except UnidentifiedImageError as error:
        if _MAGIC.match(data):
            raise _broken(data, "its header cannot be read") from error
        raise UnreadableImage("not-an-image", f"starts with {data[:12]!r}, no known picture format") from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise UnreadableImage("too-large", str(error) or "it does not fit in memory") from error
    except Exception as error:  # any bytes may meet any fault of a decoder
        raise _broken(data, str(error) or type(error).__name__) from error


def read_file(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode the picture in a file; see `decode`.

    Raises:
        UnreadableImage: also when the file is missing or may not be read.
    """
    return decode(read_bytes(path), max_pixels=max_pixels)


def read_bytes(path: str | Path, offset: int = 0, size: int = -1) -> bytes:
    """The bytes of a picture's file, or `size` of them from `offset`.

    Raises:
        UnreadableImage: `"missing"` when there is no such file, `"no-access"` when it may not be read.
    """
    try:
        with Path(path).open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError) as error:
        raise UnreadableImage("missing", f"no file {str(path)!r}; check the image root") from error
    except OSError as error:
        raise UnreadableImage("no-access", f"{str(path)!r}: {error.strerror}") from error


@cache
def _formats() -> tuple[str, ...]:
    Image.init()  # a build of Pillow may lack some
    return tuple(form for form in _WANTED if form in Image.OPEN)


def _decode(data: bytes, max_pixels: int) -> Image.Image:
    with Image.open(BytesIO(data), formats=_formats()) as opened:
        width, height = opened.size
        if width * height > max_pixels:
            raise UnreadableImage("too-large", f"{width}×{height} pixels, the limit is {max_pixels:,}")
        if width * height <= 0:
            raise UnreadableImage("damaged", f"its header claims {width}×{height} pixels")
        if side := _least_side.get():
            opened.draft(None, (side, side))
        opened.load()
        rgb = _rgb(opened)
        turn = _TURNS.get(_orientation(opened))
    upright = rgb if turn is None else rgb.transpose(turn)
    upright.info = {}
    return upright


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF spoils no pixel
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return _grey8(image).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _grey8(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits → 8 bits: from 0–65535, floats from 0–1 or 0–255, else from least to greatest."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode == "F":
        low, high = (0.0, 1.0 if high <= 1 else 255.0) if low >= 0 and high <= 255 else (low, high)
    elif low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (values - low) * (255.0 / ((high - low) or 1.0))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _broken(data: bytes, detail: str) -> UnreadableImage:
    """Truncated where the decoder says so or the mark that ends its format is not near the end, else damaged."""
    end = next((mark for magic, mark in _ENDS.items() if data.startswith(magic)), b"")
    riff = int.from_bytes(data[4:8], "little") + 8 if data.startswith(b"RIFF") else 0
    short = riff > len(data) or end not in data[-64:]
    return UnreadableImage("truncated" if short or "truncat" in detail.lower() else "damaged", detail)


class _StrictPillow:
    """While any thread decodes: truncated files fail, and Pillow's warnings stay inside.

    Pillow keeps both settings in the process; the first thread in sets them, the last one out puts them back.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._undo = threading.Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._undo.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
                warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
                self._undo.callback(setattr, ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
                ImageFile.LOAD_TRUNCATED_IMAGES = False
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._undo.close()


_strict_pillow = _StrictPillow()
