"""Which column holds pictures and which captions: guessed from types, names and samples, or as told."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirante.datasets._captions import Tagged, is_tag, language_tag, texts_of
from mirante.datasets._options import ReadOptions
from mirante.datasets._pictures import is_url, source_of
from mirante.errors import DataError, UnknownName, UsageError
from mirante.pixels import SUFFIXES
from mirante.types import Metadata

SAMPLE = 64
"""Rows looked at for guessing."""

IMAGE_NAMES = ("image", "images", "img", "photo", "foto", "picture", "imagem", "jpg", "jpeg", "png", "webp")
PATH_NAMES = ("file_name", "filename", "filepath", "image_path", "path", "file", "arquivo", "caminho")
_CAPTION_NAMES = ("caption", "captions", "legenda", "legendas", "raw", "sentences", "sentence", "text", "texts")
_OTHER_NAMES = ("texto", "descricao", "description", "alt", "alt_text", "prompt", "title", "titulo", "label", "name")
TEXT_NAMES = _CAPTION_NAMES + _OTHER_NAMES
LANGUAGE_NAMES = ("language", "lang", "locale", "idioma", "lingua")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Columns:
    """The role of each column.

    Args:
        image: column of bytes or paths.
        texts: columns of captions, each with its language tag (`""` where unknown).
        language: column that holds the language of the row's captions.
    """

    image: str
    texts: tuple[Tagged, ...] = ()
    language: str | None = None

    def roles(self) -> dict[str, str]:
        """Role → column, as `Dataset.columns` shows it."""
        found = {"image": self.image, "text": ",".join(name for name, _ in self.texts), "language": self.language or ""}
        return {role: name for role, name in found.items() if name}

    def texts_of(self, row: Row) -> list[Tagged]:
        """Every text of a row with its language."""
        spoken = row.get(self.language) if self.language else None
        own = language_tag(spoken) if isinstance(spoken, str) and is_tag(spoken) else ""
        return [found for name, tag in self.texts for found in texts_of(row.get(name), tag or own)]

    def metadata_of(self, row: Row) -> Metadata:
        """The scalar cells that are neither picture nor caption."""
        used = {self.image, *(name for name, _ in self.texts)}
        return {k: v for k, v in row.items() if k not in used and isinstance(v, str | int | float | bool) and v == v}


def choose(sample: Sequence[Row], options: ReadOptions, where: str, *, classes: Collection[str] = ()) -> Columns:
    """The columns to read, as `options` name them and guessed where they do not.

    Args:
        sample: the first rows, encoded pictures included.
        options: names given by the user.
        where: the data's address, for messages.
        classes: columns known to hold class names, captions of last resort.

    Raises:
        UnknownName: a given column is not there.
        UsageError: no column holds pictures.
        DataError: there are no rows.
    """
    if not sample:
        raise DataError(f"{where} holds no rows: check the file or the split.")
    names = list(dict.fromkeys(name for row in sample for name in row))
    given = [name.strip() for name in (options.text_column or "").split(",") if name.strip()]
    for name in [*([options.image_column] if options.image_column else []), *given]:
        if name not in names:
            raise UnknownName("column", name, names)
    cells = {name: [row[name] for row in sample if row.get(name) is not None] for name in names}
    image = options.image_column or _best({n: _picture_score(n, c) for n, c in cells.items() if n not in given})
    if image is None:
        raise UsageError(f"No column of {where} holds pictures (it has {', '.join(names)}): name it (--image-column).")
    rest = {name: found for name, found in cells.items() if name != image}
    texts = tuple((name, _tag_in(name)) for name in given) or _guess_texts(rest, classes)
    language = next((n for n in LANGUAGE_NAMES if n in rest and all(isinstance(c, str) for c in rest[n])), None)
    return Columns(image, texts, language)


def _best(scores: Mapping[str, float]) -> str | None:
    name = max(scores, key=lambda one: scores[one], default=None)
    return name if name is not None and scores[name] > 0 else None


def _rank(name: str, names: Sequence[str]) -> float:
    """1 for the first of `names`, falling to 0.5; 0 when it is none of them."""
    plain = name.lower().replace("-", "_").replace("ç", "c").replace("ã", "a").replace("í", "i")
    return 1 - 0.5 * names.index(plain) / len(names) if plain in names else 0.0


def _picture_score(name: str, cells: Sequence[Any]) -> float:
    sources = [found for cell in cells if (found := source_of(cell)) is not None]
    if not sources:
        return 0.0
    named = _rank(name, IMAGE_NAMES) + 0.8 * _rank(name, PATH_NAMES)
    if any(isinstance(found, bytes) for found in sources):
        return 100 + named
    paths = [found for found in sources if isinstance(found, str)]
    share = sum(_path_like(found) for found in paths) / len(paths)
    score = 10 * share + named if share >= 0.5 else 0.0
    return score / 10 if any(is_url(found) for found in paths) else score


def _path_like(text: str) -> bool:
    return Path(text.partition("?")[0] if is_url(text) else text).suffix.lower() in SUFFIXES


def _guess_texts(cells: Mapping[str, Sequence[Any]], classes: Collection[str]) -> tuple[Tagged, ...]:
    scores = {name: _text_score(name, found) for name, found in cells.items() if name not in classes}
    best = _best(scores) or next(iter(classes), None)
    if best is None:
        return ()
    stem = _stem(best)
    family = [name for name, score in scores.items() if score > 0 and _stem(name) == stem] or [best]
    return tuple((name, _tag_in(name)) for name in family)


def _text_score(name: str, cells: Sequence[Any]) -> float:
    """How much a column reads like captions: its name counts 10, prose up to 5; paths, numbers and codes none."""
    texts = [text.strip() for cell in cells for text, _ in texts_of(cell) if text.strip()]
    if not texts or sum(_path_like(text) or is_url(text) for text in texts) > len(texts) / 2:
        return 0.0
    words = _mean(len(re.findall(r"[^\W\d_]{2,}", text)) for text in texts)
    named = max(_rank(name, TEXT_NAMES), _rank(_stem(name), TEXT_NAMES))
    if words < (0.5 if _rank(name, TEXT_NAMES) else 1.5):
        return 0.0
    return 10 * named + min(words, 10) / 2


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _stem(name: str) -> str:
    """`caption_3` → `caption`, `caption_pt_br` → `caption`; other names stay."""
    stem = re.sub(r"_?\d+\Z", "", name)
    return re.sub(r"[-_][a-z]{2}([-_][A-Za-z]{2})?\Z", "", stem) if _tag_in(stem) else stem


def _tag_in(name: str) -> str:
    found = re.fullmatch(r"([A-Za-z]+)[-_]([a-z]{2}(?:[-_][A-Za-z]{2})?)", name)
    return language_tag(found.group(2)) if found and _rank(found.group(1), TEXT_NAMES) else ""
