"""What lies beside `results.json` so that numbers can be computed again: every rank, and the data as it was read.

ranks/*.txt     query rank rank …          one line per judged query, `-` for a document that was not retrieved
pairs/*.jsonl   {"name", "language", …}    then one line per image, then one per caption with the images it describes

Ranks are those of every relevant document in the whole gallery, whatever the depth of the saved run: metrics and
comparisons from them are exact. Ids are encoded as in the TREC files.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Image

from mirante.errors import StoreError, UnreadableImage
from mirante.evaluation.files import write
from mirante.evaluation.ranks import NOT_RETRIEVED, Ranks
from mirante.evaluation.trec import decode, encode
from mirante.types import Caption, Pairs, Picture

LOST = "-"


def write_ranks(path: Path, ranks: Ranks) -> None:
    """Write `ranks` to `path`, whole or not at all.

    Raises:
        DataError: an id is empty.
    """
    write(path, _rank_lines(ranks))


def read_ranks(path: Path, unjudged: int = 0) -> Ranks:
    """Read what `write_ranks` wrote.

    Raises:
        StoreError: the file is missing or damaged.
    """
    queries, flat, counts = [], [], [0]
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            query, *found = line.split(" ")
            queries.append(decode(query))
            flat += [NOT_RETRIEVED if one == LOST else int(one) for one in found]
            counts.append(len(found))
        if min(counts[1:], default=0) < 1 or min(flat) < 1:
            raise ValueError("a query without a rank, or a rank below 1")
    except (OSError, ValueError) as error:
        raise StoreError(f"{str(path)!r} cannot be read ({error}): evaluate again.") from error
    return Ranks(tuple(queries), np.array(flat, np.int64), np.cumsum(np.array(counts, np.int64)), unjudged)


def write_pairs(path: Path, pairs: Pairs, language: str = "") -> None:
    """Write ids, contents, texts and relevance of `pairs` to `path`, no pixels; `language` is the one read."""
    write(path, _written(pairs, language))


def fingerprint(pairs: Pairs, language: str = "") -> str:
    """16 hex digits of what `write_pairs` writes: ids, contents, texts and relevance."""
    digest = hashlib.sha256()
    for line in _written(pairs, language):
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def read_pairs(path: Path) -> tuple[Pairs, str]:
    """Read what `write_pairs` wrote: the pairs, whose pictures cannot be loaded, and the language that was read.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            head = json.loads(next(lines, "null"))
            rows = [json.loads(line) for line in lines]
        images = [Picture(row["image"], row["content"], _no_pixels) for row in rows if "image" in row]
        texts = [row for row in rows if "caption" in row]
        captions = [Caption(row["caption"], row["text"], row["language"]) for row in texts]
        if (len(images), len(captions)) != (head["images"], head["captions"]):
            raise ValueError(f"{len(images)} images and {len(captions)} captions")
        relevance = {row["caption"]: frozenset(row["images"]) for row in texts}
        return Pairs(tuple(images), tuple(captions), relevance, head["name"]), head["language"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{str(path)!r} cannot be read ({error!r}): evaluate again.") from error


def _rank_lines(ranks: Ranks) -> Iterator[str]:
    flat, offsets = ranks.ranks.tolist(), ranks.offsets.tolist()
    for query, start, stop in zip(ranks.queries, offsets[:-1], offsets[1:], strict=True):
        found = (LOST if one == NOT_RETRIEVED else str(one) for one in flat[start:stop])
        yield f"{encode(query)} {' '.join(found)}\n"


def _written(pairs: Pairs, language: str) -> Iterator[str]:
    return (json.dumps(line, ensure_ascii=False) + "\n" for line in _pair_lines(pairs, language))


def _pair_lines(pairs: Pairs, language: str) -> Iterator[dict[str, Any]]:
    yield {"name": pairs.name, "language": language, "images": len(pairs.images), "captions": len(pairs.captions)}
    for image in pairs.images:
        yield {"image": image.id, "content": image.content}
    for caption in pairs.captions:
        described = sorted(pairs.relevance[caption.id])
        yield {"caption": caption.id, "text": caption.text, "language": caption.language, "images": described}


def _no_pixels() -> Image:
    raise UnreadableImage("not-kept", "results keep no pixels: open the data set for them.")
