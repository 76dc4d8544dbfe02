"""Crossmodal-3600: 3,600 pictures, captions by people in 36 languages, `crossmodal-3600`, or with `:/path/to/folder`.

The folder holds `captions.jsonl` and the pictures in `images`. Two captions in most languages, one in Bengali, one or
two in Māori; they were written from the picture, not translated, so languages do not say the same. `pt` is among them.
"""

import json
from pathlib import Path
from typing import Any

from mirante.datasets._captions import is_tag, language_tag
from mirante.datasets._entries import Entry, Listed, metadata
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import pictures_of
from mirante.errors import DataError

FILE = "captions.jsonl"
LANGUAGES = (
    "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fil", "fr", "he", "hi", "hr", "hu", "id", "it",
    "ja", "ko", "mi", "nl", "no", "pl", "pt", "quz", "ro", "ru", "sv", "sw", "te", "th", "tr", "uk", "vi", "zh",
)  # fmt: skip
PUBLISHED = Published(
    name="crossmodal-3600",
    title="Crossmodal-3600",
    licence=Licence("CC BY 4.0", "CC BY 2.0"),
    citation="Thapliyal et al. 2022, arXiv 2205.12522",
    homepage="https://google.github.io/crossmodal-3600/",
    languages=LANGUAGES,
    splits={"test": 3_600},
    captions=261_375,
    columns={"image": "image/key", "text": "{language}.caption"},
    layout=(FILE, "images/*.jpg"),
    asks="languages",
    downloads=(
        Download("captions.zip", "https://google.github.io/crossmodal-3600/web-data/captions.zip", None),
        Download(
            "images.tgz", "https://open-images-dataset.s3.amazonaws.com/crossmodal-3600/images.tgz", 250_000_000
        ),
    ),
    protocol="crossmodal-3600",
)  # fmt: skip


def accepts(address: str) -> bool:
    """Whether the address is `crossmodal-3600`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> Listed:
    """Read the captions of all languages (in memory) and find the pictures.

    Raises:
        MissingData: captions or pictures are not there; says what to download.
        DataError: the file is damaged.
    """
    path = PUBLISHED.need(address, FILE, f"*/{FILE}")
    try:
        with path.open(encoding="utf-8") as lines:
            entries = tuple(_entry(json.loads(line)) for line in lines if line.strip())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{str(path)!r} is not Crossmodal-3600's file ({type(error).__name__}: {error}): fetch it again."
        ) from error
    root = pictures_of(PUBLISHED, address, entries, ("images", ""), options)
    return Listed(address, entries, root, (path,), PUBLISHED.columns, options.language, languages_apart=True)


def example(folder: Path) -> str:
    """Write six pictures with captions in two languages into `folder`; returns its address."""
    from mirante.datasets import _example

    discs = _example.pictures(folder / "images", lambda number: f"{number:016x}.jpg")
    rows = [
        {
            "image/key": f"{number:016x}",
            "image/locale": "pt",
            "en": {"caption": [one.english], "caption/tokenized": [one.english]},
            "pt": {"caption": [one.portuguese, f"{one.portuguese} no branco"]},
        }
        for number, one in enumerate(discs)
    ]
    (folder / FILE).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return f"crossmodal-3600:{folder}"


def _entry(row: dict[str, Any]) -> Entry:
    key = row["image/key"]
    told = {tag: found["caption"] for tag, found in row.items() if is_tag(tag) and isinstance(found, dict)}
    texts = tuple((text, language_tag(tag)) for tag, captions in told.items() for text in captions)
    return Entry(key, f"{key}.jpg", "test", texts, metadata(row, ("image/key",)))
