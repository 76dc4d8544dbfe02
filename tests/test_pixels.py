"""Good pictures are read rightly, bad ones give one named reason, and Pillow's settings stay as they were."""

import io
import random
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from mirante import pixels
from mirante.errors import UnreadableImage

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, form: str = "PNG", **settings: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **settings)
    return out.getvalue()


def left_red_right_blue(size=(16, 8)) -> Image.Image:
    image = Image.new("RGB", size, BLUE)
    image.paste(RED, (0, 0, size[0] // 2, size[1]))
    return image


def reason(data: bytes, **limits: int) -> str:
    with pytest.raises(UnreadableImage) as caught:
        pixels.decode(data, **limits)
    return caught.value.reason


# ---- good pictures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP", "TIFF", "PPM", "JPEG", "WEBP", "JPEG2000", "AVIF"])
def test_every_format_gives_rgb_of_the_right_colours(form):
    image = pixels.decode(encoded(left_red_right_blue((32, 16)), form))
    assert (image.mode, image.size) == ("RGB", (32, 16))
    left, right = np.array(image.getpixel((4, 8))), np.array(image.getpixel((28, 8)))
    assert np.abs(left - RED).max() < 12
    assert np.abs(right - BLUE).max() < 12


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_once(form, orientation):
    upright = Image.new("RGB", (16, 8), WHITE)
    upright.paste((0, 0, 0), (0, 0, 8, 4))  # the top left quarter is black
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Transpose whose result the orientation turns upright
    stored = upright if orientation == 1 else upright.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = pixels.decode(encoded(stored, form, exif=exif))
    assert image.size == (16, 8)
    corners = [image.getpixel(at)[0] > 128 for at in ((1, 1), (14, 1), (1, 6), (14, 6))]
    assert corners == [False, True, True, True]
    assert image.getexif().get(0x0112, 1) == 1


def test_damaged_exif_does_not_spoil_the_picture():
    data = encoded(left_red_right_blue(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xffgarbage")
    assert pixels.decode(data).size == (16, 8)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animation_gives_its_first_frame(form):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE, GREEN)]
    lossless = {"lossless": True} if form == "WEBP" else {}
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **lossless)
    assert pixels.decode(data).getpixel((4, 4)) == RED


def test_cmyk_jpeg():
    cyan = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    red, green, blue = pixels.decode(encoded(cyan, "JPEG")).getpixel((4, 4))
    assert red < 10
    assert min(green, blue) > 245


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_not_clipped(form):
    values = np.array([[0, 1000, 40000, 65535]], dtype=np.uint16)
    image = pixels.decode(encoded(Image.fromarray(values), form))
    assert [image.getpixel((x, 0)) for x in range(4)] == [(0,) * 3, (4,) * 3, (156,) * 3, (255,) * 3]


def test_big_endian_16_bit_tiff():
    tiff = encoded(Image.new("I;16B", (3, 2), 40000), "TIFF")
    assert pixels.decode(tiff).getpixel((1, 1)) == (156, 156, 156)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.0, 0.5, 1.0], [0, 128, 255]), ([0.0, 128.0, 255.0], [0, 128, 255]), ([-1.0, 0.0, 1.0], [0, 128, 255])],
)
def test_floating_point_grey(values, expected):
    image = pixels.decode(encoded(Image.fromarray(np.array([values], dtype=np.float32)), "TIFF"))
    assert [image.getpixel((x, 0))[0] for x in range(3)] == expected


def test_one_bit():
    image = Image.new("1", (8, 8), 1)
    image.putpixel((0, 0), 0)
    decoded = pixels.decode(encoded(image))
    assert [decoded.getpixel((0, 0)), decoded.getpixel((1, 1))] == [(0, 0, 0), WHITE]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_over_white(mode):
    clear = {"RGBA": (0, 0, 0, 0), "LA": (0, 0)}[mode]
    half = {"RGBA": (0, 0, 0, 128), "LA": (0, 128)}[mode]
    image = Image.new(mode, (2, 1), clear)
    image.putpixel((1, 0), half)
    decoded = pixels.decode(encoded(image))
    assert [decoded.getpixel((0, 0)), decoded.getpixel((1, 0))] == [WHITE, (127, 127, 127)]


def test_palette_with_transparent_index_and_with_alpha_bytes():
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.putpixel((1, 0), 1)
    for transparency in (0, bytes([0, 255])):
        decoded = pixels.decode(encoded(palette, transparency=transparency))
        assert [decoded.getpixel((0, 0)), decoded.getpixel((1, 0))] == [WHITE, RED]


def test_the_hash_tells_bytes_apart():
    assert pixels.content_hash(b"a") == pixels.content_hash(b"a")
    assert pixels.content_hash(b"a") != pixels.content_hash(b"b")
    assert len(pixels.content_hash(b"")) == 32


# ---- bad pictures --------------------------------------------------------------------------------------------------


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that claim a huge picture."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, body, b"IEND")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty"),
        (b"uma legenda, nao uma foto", "not-an-image"),
        (b"BMW drives past", "not-an-image"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>', "not-an-image"),
        (b"%PDF-1.7\n", "not-an-image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not-an-image"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (huge_png(100_000, 100_000), "too-large"),
        (huge_png(11_000, 11_000), "too-large"),
        (huge_png(8, 0), "damaged"),
    ],
)
def test_what_is_no_picture_has_a_reason(data, expected):
    assert reason(data) == expected


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_half_a_file_is_truncated(form):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = encoded(noise, form)
    assert reason(data[: len(data) // 2]) == "truncated"


def test_the_limit_is_a_parameter_and_counts_pixels():
    data = encoded(Image.new("RGB", (10, 10)))
    assert pixels.decode(data, max_pixels=100).size == (10, 10)
    assert reason(data, max_pixels=99) == "too-large"


def test_files(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(left_red_right_blue()))
    assert pixels.read_file(path).size == (16, 8)
    for absent in (tmp_path / "b.png", tmp_path, path / "c.png", "nul\0byte.png"):
        with pytest.raises(UnreadableImage) as caught:
            pixels.read_file(absent)
        assert caught.value.reason == "missing"


def test_pillow_is_left_as_it_was(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    filters, limit = list(warnings.filters), Image.MAX_IMAGE_PIXELS
    data = encoded(left_red_right_blue((64, 64)))
    assert reason(data[:-40]) == "truncated"
    pixels.decode(data)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert (list(warnings.filters), Image.MAX_IMAGE_PIXELS) == (filters, limit)


# ---- fuzzing -------------------------------------------------------------------------------------------------------


def good_files() -> list[bytes]:
    generator = np.random.default_rng(1)
    noise = Image.fromarray(generator.integers(0, 255, (24, 24, 3), dtype=np.uint8))
    deep = Image.fromarray(generator.integers(0, 65535, (24, 24), dtype=np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [noise.transpose(Image.Transpose.ROTATE_90)]}
    return [
        encoded(noise),
        encoded(noise.quantize(16), transparency=3),
        encoded(deep),
        encoded(noise, "JPEG", exif=exif),
        encoded(noise.convert("CMYK"), "JPEG"),
        encoded(noise, "GIF", **frames),
        encoded(noise, "WEBP", exif=exif),
        encoded(noise, "BMP"),
        encoded(noise, "TIFF", compression="tiff_lzw"),
        encoded(deep, "TIFF"),
    ]


def flip(data: bytes, dice: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(dice.randrange(1, 40)):
        broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
    return bytes(broken)


def edit_header(data: bytes, dice: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(dice.randrange(1, 8)):
        broken[dice.randrange(min(64, len(broken)))] = dice.randrange(256)
    return bytes(broken)


def spoil(data: bytes, other: bytes, dice: random.Random) -> bytes:
    """One of nine kinds of damage."""
    at, size = dice.randrange(len(data)), dice.randrange(1, 60)
    kinds = (
        lambda: data[:at],
        lambda: flip(data, dice),
        lambda: edit_header(data, dice),
        lambda: data[:at] + other[dice.randrange(len(other)) :],
        lambda: b"",
        lambda: dice.randbytes(size),
        lambda: huge_png(dice.randrange(1, 2**31), dice.randrange(1, 2**31)),
        lambda: data[:at] + data[at + size :],
        lambda: data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :],
    )
    return dice.choice(kinds)()


def test_a_thousand_malformed_pictures_give_a_thousand_named_outcomes(capfd):
    dice, good = random.Random(42), good_files()
    outcomes = []
    for _ in range(1000):
        data = spoil(dice.choice(good), dice.choice(good), dice)
        try:
            image = pixels.decode(data)
            assert image.mode == "RGB"
            assert image.width * image.height > 0
            outcomes.append("read")
        except UnreadableImage as error:
            outcomes.append(error.reason)
    assert len(outcomes) == 1000
    assert set(outcomes) <= {"read", *pixels.REASONS}
    assert {"read", "empty", "not-an-image", "truncated", "damaged", "too-large"} <= set(outcomes)
    assert capfd.readouterr().out == ""  # libtiff itself writes to standard error
