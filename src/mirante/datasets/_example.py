"""Six small captioned pictures, from which each reader writes an example of its format."""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw


@dataclass(frozen=True)
class Sample:
    """One example: a file name, encoded PNG bytes, a caption in each language, its width in pixels."""

    name: str
    data: bytes
    english: str
    portuguese: str
    size: int


_COLOURS = (
    ("red", "vermelho"),
    ("green", "verde"),
    ("blue", "azul"),
    ("black", "preto"),
    ("orange", "laranja"),
    ("purple", "roxo"),
)


def samples() -> list[Sample]:
    """Six discs of different colours on white, always the same bytes."""
    found = []
    for number, (english, portuguese) in enumerate(_COLOURS):
        size = 24 + 2 * number
        image = Image.new("RGB", (size, size), "white")
        ImageDraw.Draw(image).ellipse((4, 4, size - 5, size - 5), fill=english)
        out = BytesIO()
        image.save(out, "PNG")
        name = f"disc_{number}.png"
        found.append(Sample(name, out.getvalue(), f"a {english} disc", f"um disco {portuguese}", size))
    return found
