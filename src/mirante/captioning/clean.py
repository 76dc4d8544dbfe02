"""CapFilt: captions of the data and written ones, of which a retrieval model keeps those that fit their picture.

Source: Li et al. 2022 (BLIP, arXiv 2201.12086, §3.3): a captioner writes, a filter takes noise away, from the web's
texts and from its own. Here the filter is the cosine of any encoder.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mirante.disk import disk
from mirante.embeddings import embed_pairs
from mirante.errors import UsageError
from mirante.types import Caption, Encoder, Pairs

WRITTEN = "written:"
"""Before the id of a picture: the id of the caption that was written for it."""


@dataclass(frozen=True)
class Judged:
    """One caption of one picture.

    Args:
        image: id of the picture.
        caption: text.
        language: of it, `""` where unknown.
        source: whether it is the data's own (`"data"`) or was `"written"`.
        score: cosine of the two.
        kept: whether it fits well enough.
    """

    image: str
    caption: str
    language: str
    source: str
    score: float
    kept: bool


@dataclass(frozen=True)
class Cleaned:
    """What was judged, and what it was judged by.

    Args:
        captions: in the order of the pictures, the data's own before the written one.
        threshold: the least cosine of those that were kept.
        unreadable: picture id → why it could not be read.
    """

    captions: tuple[Judged, ...]
    threshold: float
    unreadable: Mapping[str, str]


def clean(
    pairs: Pairs,
    written: Mapping[str, str],
    encoder: Encoder,
    *,
    least: float | None = None,
    keep: float | None = None,
    language: str = "",
    folder: Path | None = None,
) -> Cleaned:
    """Judge every caption of `pairs` and every written one.

    Args:
        pairs: pictures and the data's own captions.
        written: picture id → caption; of unknown pictures nothing is said.
        encoder: the filter.
        least: cosine below which a caption is dropped.
        keep: in its place, share of the captions to keep, the best ones.
        language: of the written captions.
        folder: keeps rows for the next time.

    Raises:
        UsageError: neither or both of `least` and `keep` are given, or `keep` is no share.
        DataError: there is no caption of a picture that can be read.
    """
    if (least is None) == (keep is None) or (keep is not None and not 0 < keep <= 1):
        raise UsageError(f"Give either --least (now {least}), a cosine, or --keep (now {keep}), a share up to 1.")
    known = {image.id for image in pairs.images}
    own = {f"{WRITTEN}{one}": one for one, text in written.items() if one in known and text}
    more = tuple(Caption(caption, written[one], language) for caption, one in own.items())
    relevance = {**pairs.relevance, **{caption: frozenset((image,)) for caption, image in own.items()}}
    both = replace(pairs, captions=(*pairs.captions, *more), relevance=relevance)
    images, texts, unreadable = embed_pairs(both, encoder, folder)
    cells = [(image, one) for one in both.captions for image in sorted(both.relevance[one.id] - unreadable.keys())]
    if not cells:
        raise UsageError(f"{pairs.name!r} has no caption of a picture that can be read: `mirante inspect` says why.")
    shown = images.select(image for image, _ in cells).vectors
    said = texts.select(caption.id for _, caption in cells).vectors
    scores = np.einsum("nd,nd->n", shown, said, dtype=np.float64)
    bar = least if least is not None else float(np.sort(scores)[::-1][max(0, round((keep or 1) * len(scores)) - 1)])
    return Cleaned(tuple(_judged(cells, scores.tolist(), bar, pairs)), bar, dict(unreadable))


def files(pairs: Pairs, wanted: Iterable[str], folder: Path) -> dict[str, Path]:
    """Picture id → its file; those that are in none, as of `scenes` or a hub's table, are written to `folder` as PNG.

    Raises:
        StoreError: the disk is full or refuses.
    """
    pictures, found = {image.id: image for image in pairs.images}, dict[str, Path]()
    for one in dict.fromkeys(wanted):
        picture = pictures[one]
        if picture.path:
            found[one] = Path(picture.path)
            continue
        found[one] = folder / f"{hashlib.sha256(picture.content.encode()).hexdigest()[:24]}.png"
        with disk(found[one]):
            folder.mkdir(parents=True, exist_ok=True)
            picture.load().save(found[one])
    return found


def _judged(cells: Sequence[tuple[str, Caption]], scores: Sequence[float], bar: float, pairs: Pairs) -> list[Judged]:
    place = {image.id: at for at, image in enumerate(pairs.images)}
    found = [
        Judged(
            image, caption.text, caption.language,
            "written" if caption.id.startswith(WRITTEN) else "data", score, score >= bar,
        )
        for (image, caption), score in zip(cells, scores, strict=True)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (place[one.image], one.source))
