"""Six small captioned pictures, from which each reader writes an example of its format."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

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


def pictures(folder: Path, name: Callable[[int], str] = lambda number: f"disc_{number}.png") -> list[Sample]:
    """Write the six pictures into `folder`, each called `name(number)`; returns them in order."""
    found = samples()
    for number, one in enumerate(found):
        path = folder / name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
    return found


def karpathy(
    file: Path,
    folder: Path,
    *,
    name: Callable[[int], str] = lambda number: f"disc_{number}.png",
    texts: Callable[[Sample], Sequence[str]] = lambda one: (one.english, one.portuguese),
) -> Path:
    """Write Karpathy's JSON about the six pictures, and the pictures into `folder`; returns `file`."""
    images = []
    for number, one in enumerate(pictures(folder, name)):
        path = Path(name(number))
        sentences = [{"raw": text, "tokens": text.split()} for text in texts(one)]
        split = "test" if number >= 4 else "train"
        place = {"filepath": str(path.parent)} if path.parent != Path() else {}
        images.append({"filename": path.name, **place, "cocoid": 100 + number, "split": split, "sentences": sentences})
    file.write_text(json.dumps({"dataset": "example", "images": images}), encoding="utf-8")
    return file


def parquet(folder: Path, row: Callable[[int, Sample], Mapping[str, Any]], split: str = "train") -> Path:
    """Write `folder/data/SPLIT-00000-of-00001.parquet`, one row a picture, as the hub stores them; returns `folder`."""
    import pyarrow
    from pyarrow.parquet import write_table

    (folder / "data").mkdir(parents=True, exist_ok=True)
    rows = [dict(row(number, one)) for number, one in enumerate(samples())]
    write_table(pyarrow.Table.from_pylist(rows), folder / "data" / f"{split}-00000-of-00001.parquet", row_group_size=4)
    return folder
