"""One test in several languages: which results belong together, and how far two languages are apart.

The gap is measured on the images that both languages have captions for. Each bootstrap resample draws images, and both
languages see the same draws: that an image is hard counts in neither's favour. The mean of a language is over its
queries, so that an image with two captions weighs twice, as everywhere else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from mirante.evaluation.clusters import Values
from mirante.evaluation.intervals import Bootstrap, interval
from mirante.evaluation.per_query import PerQuery
from mirante.evaluation.resampling import Resampled, drawn_counts
from mirante.evaluation.significance import centred
from mirante.types import Direction, Protocol, Result

ASKED, AGAINST = "pt", "en"
"""The languages whose gap is told, each with its regions."""


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a model is apart in two languages, by one metric on the same images.

    Args:
        model: its address.
        data: data address with split.
        direction: which side asked.
        metric: its name.
        first: tag of the first language.
        second: tag of the second.
        difference: mean over the queries of `first` less that of `second`, on images that have both.
        low: lower end of its 95 % interval, by the paired bootstrap over images.
        high: upper end.
        p: two-sided, of the same bootstrap; 1 where nothing was resampled.
        images: number of images that have both.
    """

    model: str
    data: str
    direction: Direction
    metric: str
    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    images: int


def across(protocol: Protocol) -> Protocol:
    """The conditions that results of one test in several languages share: all but those that follow the captions."""
    gallery = protocol.gallery if protocol.direction == "text_to_image" else 0
    return replace(protocol, language="", queries=0, captions_per_image=0.0, gallery=gallery, depth=0)


def by_language(results: Iterable[Result]) -> list[dict[str, list[Result]]]:
    """Results of one test in several languages, each group as language tag → the models' results.

    Results in a language that stand alone are in no group.
    """
    groups: dict[Protocol, dict[str, list[Result]]] = {}
    for result in results:
        if result.protocol.language:
            spoken = groups.setdefault(across(result.protocol), {})
            spoken.setdefault(result.protocol.language, []).append(result)
    return [spoken for spoken in groups.values() if len(spoken) > 1]


def language_gaps(models: Iterable[PerQuery], *, bootstrap: Bootstrap | None = None) -> tuple[Gap, ...]:
    """The gaps between Portuguese and English of every model, direction and metric that has both."""
    groups: dict[tuple[str, Protocol], list[PerQuery]] = {}
    for one in models:
        groups.setdefault((one.model, across(one.protocol)), []).append(one)
    found: list[Gap] = []
    for spoken in groups.values():
        first = [one for one in spoken if _is(one.protocol.language, ASKED)]
        second = [one for one in spoken if _is(one.protocol.language, AGAINST)]
        for one, other in product(first, second):
            found += gap(one, other, bootstrap=bootstrap)
    return tuple(found)


def gap(first: PerQuery, second: PerQuery, *, bootstrap: Bootstrap | None = None) -> tuple[Gap, ...]:
    """How far one model is apart in two languages, metric by metric; nothing where no image has both."""
    bootstrap, metrics = bootstrap or Bootstrap(), list(first.values)
    common = sorted(set(first.clusters) & set(second.clusters))
    if not common:
        return ()
    one, other = (_sums(side, metrics, common) for side in (first, second))
    counts = drawn_counts(len(common), len(first.queries) + len(second.queries), bootstrap.resamples, bootstrap.seed)
    drawn = [_means(one @ part.T) - _means(other @ part.T) for part in (block.astype(np.float64) for block in counts)]
    draws = np.concatenate([np.zeros((len(metrics), 0)), *drawn], axis=1)
    values = _means(one.sum(axis=1)) - _means(other.sum(axis=1))
    influences = _without(other) - _without(one)  # what each image pulls up, up to a constant
    influences -= influences.mean(axis=1, keepdims=True)
    found = []
    for at, metric in enumerate(metrics):
        sample = Resampled(float(values[at]), draws[at], influences[at])
        ends = interval(sample, bootstrap, (-1.0, 1.0))
        chance = centred(sample.draws, sample.value)
        languages = first.protocol.language, second.protocol.language
        where = first.model, first.protocol.data, first.protocol.direction, metric, *languages
        found.append(Gap(*where, sample.value, ends.low, ends.high, chance, len(common)))
    return tuple(found)


def _is(tag: str, language: str) -> bool:
    return tag.lower() == language or tag.lower().startswith(f"{language}-")


def _sums(one: PerQuery, metrics: Sequence[str], images: Sequence[str]) -> Values:
    """(m + 1, c) sums of each metric within each image, and below them the number of queries."""
    place = {image: at for at, image in enumerate(images)}
    kept = [(row, place[image]) for row, image in enumerate(one.clusters) if image in place]
    rows, own = np.array(kept).T
    columns = [*(one.values[metric][rows] for metric in metrics), np.ones(len(rows))]
    return np.stack([np.bincount(own, weights=column, minlength=len(images)) for column in columns]).astype(np.float64)


def _means(totals: Values) -> Values:
    """Sums over queries in all but the last row, over the number of queries in the last."""
    return np.asarray(totals[:-1] / totals[-1], np.float64)


def _without(sums: Values) -> Values:
    """(m, c) means without each image; of a single image, the mean itself."""
    if sums.shape[1] == 1:
        return _means(sums)
    return _means(sums.sum(axis=1, keepdims=True) - sums)
