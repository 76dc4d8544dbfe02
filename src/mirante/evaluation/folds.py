"""A test set in parts with a gallery each, as COCO 1k: 5,000 images in 5 parts of 1,000.

The figures are over the queries of all parts together, which is the mean of the parts' figures where each part asks as
often; papers print that mean. Intervals draw images of all parts.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mirante.errors import DataError
from mirante.evaluation.judge import Judgement, Settings, evaluate, judged
from mirante.evaluation.ranks import Ranks
from mirante.types import Embeddings, Pairs, Qrels, Run


def parted(pairs: Pairs, folds: int) -> list[Pairs]:
    """Cut `pairs` into equal parts of consecutive images, each with the captions that describe them.

    Raises:
        DataError: the images do not part evenly.
    """
    size, rest = divmod(len(pairs.images), folds)
    if rest or not size:
        raise DataError(
            f"{len(pairs.images)} images of {pairs.name!r} do not part into {folds} equal folds: take a number that "
            f"divides them, or another protocol."
        )
    ids = [image.id for image in pairs.images]
    return [pairs.without_images({*ids[:at], *ids[at + size :]}) for at in range(0, len(ids), size)]


def evaluate_folds(
    images: Embeddings, texts: Embeddings, folds: Sequence[Pairs], settings: Settings | None = None
) -> Judgement:
    """Judge each part against its own gallery, and all their queries together.

    Args:
        images: rows for every image of the parts.
        texts: rows for every caption of the parts.
        folds: the parts, no image in two.
        settings: as for `evaluate`.

    Raises:
        DataError: as `evaluate`.
    """
    settings = settings or Settings()
    parts = [evaluate(images, texts, fold, replace(settings, resamples=0)) for fold in folds]
    first, protocols = parts[0], [part.result.protocol for part in parts]
    whole = replace(
        folds[0],
        images=tuple(image for fold in folds for image in fold.images),
        captions=tuple(caption for fold in folds for caption in fold.captions),
        relevance={caption: found for fold in folds for caption, found in fold.relevance.items()},
    )
    protocol = replace(
        first.result.protocol,
        gallery=max(one.gallery for one in protocols),
        queries=sum(one.queries for one in protocols),
        captions_per_image=len(whole.captions) / len(whole.images),
        depth=max(one.depth for one in protocols),
        folds=len(folds),
    )
    return judged(
        _run([part.run for part in parts]),
        _ranks([part.ranks for part in parts]),
        qrels=Qrels({query: grades for part in parts for query, grades in part.qrels.grades.items()}),
        pairs=whole,
        settings=settings,
        protocol=protocol,
        provenance=first.result.provenance,
        details={},
    )


def _ranks(parts: Sequence[Ranks]) -> Ranks:
    relevant = np.concatenate([part.relevant for part in parts])
    return Ranks(
        tuple(query for part in parts for query in part.queries),
        np.concatenate([part.ranks for part in parts]),
        np.concatenate(([0], np.cumsum(relevant))),
        sum(part.unjudged for part in parts),
    )


def _run(parts: Sequence[Run]) -> Run:
    depth = max(part.indices.shape[1] for part in parts)
    starts = np.cumsum([0, *(len(part.documents) for part in parts[:-1])])
    indices = [
        np.pad(
            np.where(part.indices < 0, -1, part.indices + start),
            ((0, 0), (0, depth - part.indices.shape[1])),
            constant_values=-1,
        )
        for part, start in zip(parts, starts.tolist(), strict=True)
    ]
    scores = [
        np.pad(part.scores, ((0, 0), (0, depth - part.scores.shape[1])), constant_values=-np.inf) for part in parts
    ]
    return Run(
        tuple(query for part in parts for query in part.queries),
        tuple(document for part in parts for document in part.documents),
        np.concatenate(indices).astype(np.int32),
        np.concatenate(scores),
        parts[0].name,
    )
