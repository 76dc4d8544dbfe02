"""Which text fits which picture, where both nearly fit: the right one must score above every other; a tie is wrong.

- One picture, several texts: `choice`, whether the true text is chosen, as in SugarCrepe (Hsieh et al. 2023,
  arXiv 2306.14610) and zero-shot classification.
- Two pictures, two texts: `text`, whether each picture prefers its own text; `image`, whether each text prefers its own
  picture; `group`, both (Winoground, Thrush et al. 2022, arXiv 2204.03162). By chance they are right for 1/4, 1/4
  and 1/6 of the questions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirante.datasets import Contrast
from mirante.embeddings import embed_pairs
from mirante.errors import DataError
from mirante.evaluation.intervals import Bootstrap, estimate
from mirante.nearest import similarity
from mirante.types import Caption, Encoder, Estimate, Pairs, Picture, Vectors

PAIR_CHANCE = {"text": 1 / 4, "image": 1 / 4, "group": 1 / 6}


@dataclass(frozen=True)
class Contrasted:
    """One model's answers to the questions of one kind and language.

    Args:
        model: its address.
        data: data address with split.
        language: of the texts, `""` where unknown.
        kind: of the questions, `""` for all of them.
        metrics: `choice`; or `text`, `image` and `group`: shares of the questions, with intervals clustered by picture.
        chance: what guessing gives, by metric.
        questions: how many were asked.
        clusters: different pictures behind them; a pair counts as one.
        dropped: questions left out because a picture cannot be read.
    """

    model: str
    data: str
    language: str
    kind: str
    metrics: Mapping[str, Estimate]
    chance: Mapping[str, float]
    questions: int
    clusters: int
    dropped: int = 0


def pair_scores(scores: Vectors) -> dict[str, NDArray[np.float64]]:
    """Text, image and group score of n pairs, (n,) of 0 and 1 each.

    Args:
        scores: (n, 2, 2), texts × pictures; text i describes picture i.
    """
    text = (scores[:, 0, 0] > scores[:, 1, 0]) & (scores[:, 1, 1] > scores[:, 0, 1])
    image = (scores[:, 0, 0] > scores[:, 0, 1]) & (scores[:, 1, 1] > scores[:, 1, 0])
    found = {"text": text, "image": image, "group": text & image}
    return {name: right.astype(np.float64) for name, right in found.items()}


def choice_scores(scores: Vectors) -> NDArray[np.float64]:
    """Whether the first of m texts scores above every other, (n,) of 0 and 1, from (n, m) scores."""
    return np.asarray(scores[:, 0] > scores[:, 1:].max(axis=1), np.float64)


def judge_contrasts(
    contrasts: Sequence[Contrast], encoder: Encoder, folder: Path | None = None, *, data: str = ""
) -> list[Contrasted]:
    """Ask a model every question, and sum up by language: all kinds together, then each kind where there are several.

    Args:
        contrasts: the questions, each of one picture and two or more texts, or of two and two.
        encoder: the model.
        folder: of its embeddings, kept for the next time; None keeps none.
        data: their address, for people.

    Raises:
        DataError: a question has another form.
    """
    if not contrasts:
        return []
    readable, dropped, answers = _answers(contrasts, encoder, folder, data)
    found = []
    for language in sorted({_language(one) for one in contrasts}):
        spoken = [at for at, one in enumerate(readable) if _language(one) == language]
        kinds = sorted({readable[at].kind for at in spoken})
        for kind in ("", *(kinds if len(kinds) > 1 else ())):
            rows = [at for at in spoken if kind in ("", readable[at].kind)]
            lost = sum(_language(one) == language and kind in ("", one.kind) for one in dropped)
            if rows:
                asked, given = [readable[at] for at in rows], [answers[at] for at in rows]
                found.append(_summed(asked, given, (encoder.provenance.model, data, language, kind), lost))
    return found


def contrasted(plain: Mapping[str, Any]) -> Contrasted:
    """From the plain values that `dataclasses.asdict` gives."""
    metrics = {name: Estimate(**one) for name, one in plain["metrics"].items()}
    return Contrasted(**{**plain, "metrics": metrics})


def _answers(
    contrasts: Sequence[Contrast], encoder: Encoder, folder: Path | None, data: str
) -> tuple[list[Contrast], list[Contrast], list[dict[str, float]]]:
    """The readable questions, the others, and the outcome of each readable one by metric."""
    pictures: dict[str, Picture] = {image.id: image for one in contrasts for image in one.images}
    texts: dict[str, Caption] = {text.id: text for one in contrasts for text in one.texts}
    asked = Pairs(tuple(pictures.values()), tuple(texts.values()), {}, data)
    images, rows, unreadable = embed_pairs(asked, encoder, folder)
    lost = [any(image.id in unreadable for image in one.images) for one in contrasts]
    readable = [one for one, gone in zip(contrasts, lost, strict=True) if not gone]
    image_row = dict(zip(images.ids, images.vectors, strict=True))
    text_row = dict(zip(rows.ids, rows.vectors, strict=True))
    outcomes = []
    for one in readable:
        told = np.stack([text_row[text.id] for text in one.texts])
        shown = np.stack([image_row[image.id] for image in one.images])
        outcomes.append(_outcome(one, similarity(told, shown, images.provenance.parts)))
    return readable, [one for one, gone in zip(contrasts, lost, strict=True) if gone], outcomes


def _outcome(one: Contrast, scores: Vectors) -> dict[str, float]:
    form = len(one.images), len(one.texts)
    if form == (2, 2):
        return {name: float(right[0]) for name, right in pair_scores(scores[None]).items()}
    if form[0] == 1 and form[1] > 1:
        return {"choice": float(choice_scores(scores.T)[0])}
    raise DataError(
        f"Question {one.id!r} has {form[0]} pictures and {form[1]} texts: give one picture and several texts, or "
        "two of each."
    )


def _summed(
    asked: Sequence[Contrast], answers: Sequence[Mapping[str, float]], named: tuple[str, str, str, str], dropped: int
) -> Contrasted:
    names = list(dict.fromkeys(name for answer in answers for name in answer))
    if any(list(answer) != names for answer in answers):
        raise DataError(
            f"{named[1]!r} asks both choices and pairs under one kind {named[3]!r}: give each its own kind."
        )
    values = {name: np.array([answer[name] for answer in answers]) for name in names}
    clusters = [one.images[0].content for one in asked]
    chance = PAIR_CHANCE if "group" in names else {"choice": _mean(1 / len(one.texts) for one in asked)}
    metrics = estimate(values, clusters, bootstrap=Bootstrap())
    return Contrasted(*named, metrics, dict(chance), len(asked), len(set(clusters)), dropped)


def _language(one: Contrast) -> str:
    return one.texts[0].language


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
