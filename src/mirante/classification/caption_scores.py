"""CLIPScore of the captions of a data set, or of captions written for its pictures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mirante.classification.clipscore import clip_scores, prefix, ref_clip_scores
from mirante.embeddings import embed_pairs
from mirante.errors import DataError, UsageError
from mirante.evaluation.intervals import estimate
from mirante.types import Caption, Encoder, Estimate, Pairs


@dataclass(frozen=True)
class CaptionScores:
    """Scores of captions.

    Args:
        captions: number scored.
        pictures: that they are of.
        clip_score: mean CLIPScore; its interval is clustered by picture.
        ref_clip_score: mean RefCLIPScore of the captions that have references, None where none has.
        referenced: how many those are.
        each: caption id → CLIPScore.
        unreadable: image id → why that picture could not be read.
        unknown: candidates for pictures that the data does not have.
    """

    captions: int
    pictures: int
    clip_score: Estimate
    ref_clip_score: Estimate | None
    referenced: int
    each: Mapping[str, float]
    unreadable: Mapping[str, str]
    unknown: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "unreadable": [{"id": k, "reason": v} for k, v in self.unreadable.items()]}


def read_candidates(path: Path) -> dict[str, str]:
    """Image id → caption, from JSON lines with `id` and `caption`.

    Raises:
        UsageError: the file cannot be read, or a line has another form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The captions {str(path)!r} cannot be read ({error}): check that UTF-8 file.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                row = json.loads(line)
                found[str(row["id"])] = str(row["caption"])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f'Line {number} of {str(path)!r} is {line[:60]!r}: write {{"id": image id, "caption": text}}.'
            ) from error
    return found


def score_captions(
    pairs: Pairs,
    encoder: Encoder,
    *,
    candidates: Mapping[str, str] | None = None,
    put_before: str | None = None,
    folder: Path | None = None,
) -> CaptionScores:
    """Score captions against their pictures, and against the other captions of the same picture.

    Args:
        pairs: pictures and captions.
        encoder: the model.
        candidates: image id → caption to score, with the captions of `pairs` as references; None scores those
            captions themselves, each with the others of its picture in its language as references.
        put_before: prefix of every caption; None for the one of its language.
        folder: keeps rows for the next time.

    Raises:
        DataError: no caption has a picture that can be read.
    """
    written = _written(pairs, candidates or {})
    every = {caption.id: caption for caption in (*pairs.captions, *written)}
    relevance = {**pairs.relevance, **{caption.id: frozenset((one,)) for caption, one in written.items()}}
    told = tuple(
        replace(one, text=(prefix(one.language) if put_before is None else put_before) + one.text)
        for one in every.values()
    )
    images, texts, unreadable = embed_pairs(replace(pairs, captions=told, relevance=relevance), encoder, folder)
    asked = written if candidates is not None else pairs.captions
    readable = {one.id: relevance[one.id] - unreadable.keys() for one in asked}
    pictures = {one: min(found) for one, found in readable.items() if found}
    if not pictures:
        raise DataError(f"No caption of {pairs.name!r} has a picture that can be read: `mirante inspect` says why.")
    shown, rows = images.select(pictures.values()).vectors, texts.select(pictures).vectors
    references = _references(pairs, [every[one] for one in pictures], pictures, own=candidates is None)
    values = clip_scores(shown, rows)
    clusters = list(pictures.values())
    fit = [at for at, found in enumerate(references) if found]
    near = ref_clip_scores(shown[fit], rows[fit], [texts.select(references[at]).vectors for at in fit])
    return CaptionScores(
        captions=len(clusters),
        pictures=len(set(clusters)),
        clip_score=estimate({"score": values}, clusters)["score"],
        ref_clip_score=estimate({"score": near}, [clusters[at] for at in fit])["score"] if fit else None,
        referenced=len(fit),
        each=dict(zip(pictures, values.tolist(), strict=True)),
        unreadable=unreadable,
        unknown=len(candidates or {}) - len(written),
    )


def _written(pairs: Pairs, candidates: Mapping[str, str]) -> dict[Caption, str]:
    """Candidates as captions → the picture of each; those of unknown pictures are left out."""
    stands = {image.id: image.id for image in pairs.images} | dict(pairs.merged)
    return {Caption(f"candidate:{one}", words): stands[one] for one, words in candidates.items() if one in stands}


def _references(
    pairs: Pairs, captions: Sequence[Caption], pictures: Mapping[str, str], *, own: bool
) -> list[list[str]]:
    """Ids of the references of each caption: of its own data those of its language, else all of its picture."""
    describing: dict[str, list[Caption]] = {}
    for caption in pairs.captions:
        for image in pairs.relevance[caption.id]:
            describing.setdefault(image, []).append(caption)
    return [
        [
            other.id
            for other in describing.get(pictures[caption.id], [])
            if other.id != caption.id and (not own or other.language == caption.language)
        ]
        for caption in captions
    ]
