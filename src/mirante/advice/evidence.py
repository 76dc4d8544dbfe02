"""What saved results tell: R@1 of each model with its interval, language by language, family by family."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mirante.advice.families import METRIC, Family, Lead, compare_families, family_of
from mirante.errors import UnknownName, UsageError
from mirante.evaluation import League, PerQuery, SavedResults, is_reranked, league
from mirante.evaluation.intervals import estimate
from mirante.types import Estimate, Pairs, Protocol, Provenance, Result


@dataclass(frozen=True)
class Model:
    """One model's R@1 (`hit_rate@1`, text to image) and the family that it is of, None for another one."""

    model: str
    family: Family | None
    r1: Estimate
    provenance: Provenance


@dataclass(frozen=True)
class Evidence:
    """What was measured on one data set under one protocol, text to image.

    Args:
        protocol: the conditions.
        models: best first.
        languages: R@1 of the best model by the language of the captions, the lowest first; empty where there is one.
        lead: of SigLIP over CLIP, None where a family is missing.
        order: who can be told apart, None for a single model.
        result: of the best model.
        hits: of the best model, query by query.
        pairs: the data as it was read, without pixels.
        language: that was asked for, `""` for all.
    """

    protocol: Protocol
    models: tuple[Model, ...]
    languages: Mapping[str, Estimate]
    lead: Lead | None
    order: League | None
    result: Result
    hits: PerQuery
    pairs: Pairs
    language: str

    @property
    def best(self) -> Model:
        """The model with the highest R@1."""
        return self.models[0]


def gather(saved: SavedResults, only: str | None = None, language: str | None = None) -> Evidence:
    """Read the results of one data set.

    Args:
        saved: what an evaluation left.
        only: the data set, where there are several; its name in the results.
        language: of the captions, where each language was judged by itself.

    Raises:
        UsageError: there are none from text to image, or several protocols are left.
        UnknownName: no result is on `only`.
        StoreError: ranks or data were not kept.
    """
    results = _chosen(saved, only, language)
    per_query = [saved.per_query(one) for one in results]
    order = sorted(range(len(results)), key=lambda at: -results[at].metrics[METRIC].value)
    models = tuple(_model(results[at]) for at in order)
    pairs, language = saved.pairs(results[0])
    return Evidence(
        results[0].protocol,
        models,
        by_language(per_query[order[0]], pairs),
        compare_families(per_query),
        league(results, saved.comparisons, METRIC) if len(results) > 1 else None,
        results[order[0]],
        per_query[order[0]],
        pairs,
        language,
    )


def by_language(one: PerQuery, pairs: Pairs) -> dict[str, Estimate]:
    """R@1 of the captions of each language among the same gallery, the lowest first; empty for a single language."""
    tags = {caption.id: caption.language for caption in pairs.captions}
    spoken = np.array([tags[query] for query in one.queries])
    found = {}
    for tag in sorted(set(spoken.tolist())):
        rows = np.flatnonzero(spoken == tag)
        clusters = [one.clusters[row] for row in rows]
        found[tag] = estimate({METRIC: one.values[METRIC][rows]}, clusters)[METRIC]
    ordered = sorted(found.items(), key=lambda pair: pair[1].value)
    return dict(ordered) if len(ordered) > 1 else {}


def _chosen(saved: SavedResults, only: str | None, language: str | None) -> Sequence[Result]:
    """The results from text to image of one data set and protocol; models alone, not what re-rankers made of them."""
    asked = [one for one in saved.results if one.direction == "text_to_image" and not is_reranked(one)]
    if not asked:
        raise UsageError(f"{str(saved.folder)!r} holds no result from text to image: evaluate a model first.")
    if only is not None:
        names = {one.data for one in asked}
        asked = [one for one in asked if one.data == only]
        if not asked:
            raise UnknownName(f"data set in {str(saved.folder)!r}", only, names)
    groups: dict[Protocol, list[Result]] = {}
    for one in asked:
        groups.setdefault(one.protocol, []).append(one)
    if language is not None and len(groups) > 1:
        groups = {one: found for one, found in groups.items() if one.language == language} or groups
    if len(groups) > 1:
        held = ", ".join(sorted(f"{one.data} ({one.language or 'all languages'})" for one in groups))
        raise UsageError(
            f"{str(saved.folder)!r} holds results under {len(groups)} protocols: {held}. Advice is on one: name a data "
            "set with --only, a language with --lang, or evaluate what is meant into a folder of its own."
        )
    return next(iter(groups.values()))


def _model(result: Result) -> Model:
    return Model(result.model, family_of(result.model), result.metrics[METRIC], result.provenance)
