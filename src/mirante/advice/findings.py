"""What is wrong with the data, as far as advice is concerned: leaks first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mirante.advice import symptoms
from mirante.advice.evidence import Evidence
from mirante.advice.families import METRIC
from mirante.advice.ground import Ground
from mirante.advice.notes import Note, spread
from mirante.diagnosis import Diagnosis, Leaks, diagnose, find_leaks, without
from mirante.errors import MiranteError, StoreError
from mirante.evaluation import SavedResults
from mirante.evaluation.rescoring import vectors
from mirante.training.data import open_sets
from mirante.types import Pairs, Picture

CHECKED = 2_000
"""So many pictures to learn from are looked at for near copies, drawn at random, unless all are wanted."""
SEED = 0


@dataclass(frozen=True)
class Findings:
    """What was found.

    Args:
        warnings: what every figure must be read with.
        reasons: other findings.
        leaked: ids of measured images that are also among those to learn from.
        identical: whether some are the same to the byte in another split or data set.
        documents: `diagnosis` and `leaks` as JSON has them, None where they were not looked for.
    """

    warnings: tuple[Note, ...] = ()
    reasons: tuple[Note, ...] = ()
    leaked: frozenset[str] = frozenset()
    identical: bool = False
    documents: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Searched:
    """Leaks, and among how many of how many pictures near copies were looked for."""

    leaks: Leaks
    looked_at: int
    all: int


def look(soil: Ground, saved: SavedResults | None, evidence: Evidence | None, *, thorough: bool) -> Findings:
    """Look for measured images among those to learn from, and at what was measured.

    Args:
        soil: the data.
        saved: what was measured, with its vectors where they were kept.
        evidence: the same, read.
        thorough: look for near copies among all pictures, not among `CHECKED` of them.
    """
    searched, found = _search(soil, thorough=thorough), _diagnosis(soil, saved, evidence, thorough=thorough)
    warnings, reasons = list(symptoms.warnings(found)), list(symptoms.reasons(found))
    documents: dict[str, Any] = {"diagnosis": found.to_dict()}
    if searched is None:
        return Findings(tuple(warnings), tuple(reasons), documents=documents)
    leaks = searched.leaks
    identical = leaks.count("equal") > 0
    clear = Note("advise.leak-none", {"count": searched.looked_at, "all": searched.all})
    looked = {"looked_at": searched.looked_at, "of": searched.all}
    return Findings(
        warnings=(*_leaked(leaks, evidence, identical=identical), *warnings),
        reasons=(*reasons, *(() if leaks.pairs else (clear,))),
        leaked=frozenset(leaks.images),
        identical=identical,
        documents=documents | {"leaks": leaks.to_dict() | looked},
    )


def _diagnosis(soil: Ground, saved: SavedResults | None, evidence: Evidence | None, *, thorough: bool) -> Diagnosis:
    """Of what was measured: its texts, its pictures where they are not too many, their agreement by the best model."""
    images, texts, pairs = None, None, soil.again
    if saved and evidence and pairs.name == evidence.result.data:
        try:
            images, texts, unreadable = vectors(saved, evidence.result)
            pairs = pairs.without_images(unreadable)
        except StoreError:
            pass  # an evaluation without its embeddings tells less
    few = thorough or len(pairs.images) <= CHECKED
    return diagnose(pairs, images=images, texts=texts, pictures=soil.decodes and few and not soil.distinct)


def _search(soil: Ground, *, thorough: bool) -> Searched | None:
    """Equal pictures among all, near copies among those that are looked at; None where there is nothing to compare."""
    sides = _sides(soil)
    if sides is None:
        return None
    known, asked, name = sides
    equal = find_leaks(known, asked, near=False, name=name)
    looked = known if thorough or len(known) <= CHECKED else _drawn(known)
    if soil.distinct or not soil.decodes:
        return Searched(equal, len(known) if soil.distinct else 0, len(known))
    near = find_leaks(looked, asked, name=name)
    pairs = tuple(dict.fromkeys((*equal.pairs, *near.pairs)))
    merged = replace(near, pairs=pairs, touched=equal.touched | near.touched)
    return Searched(merged, len(looked), len(known))


def _sides(soil: Ground) -> tuple[Sequence[Picture], Pairs, str] | None:
    """What is learnt from, what is measured, and the name of the former: two data sets, or the two parts of one."""
    if soil.apart:
        return soil.known.images, soil.again, soil.known.name
    try:
        sets = open_sets(soil.data) if soil.decodes else None
    except MiranteError:
        return None
    if sets is None or sets.validation is None:
        return None
    return sets.batches.pictures, sets.validation, f"{soil.measured} (learnt from)"


def _drawn(pictures: Sequence[Picture]) -> list[Picture]:
    order = np.random.default_rng(SEED).permutation(len(pictures))[:CHECKED]
    return [pictures[place] for place in sorted(order.tolist())]


def _leaked(leaks: Leaks, evidence: Evidence | None, *, identical: bool) -> Iterator[Note]:
    if not leaks.pairs:
        return
    counts = {"count": len(leaks.images), "pictures": leaks.pictures, "queries": len(leaks.touched)}
    yield Note("advise.leak", {**counts, "train": leaks.known, "names": list(leaks.images[:3])})
    clean = without(evidence.hits, leaks).get(METRIC) if evidence and leaks.asked == evidence.protocol.data else None
    if clean and evidence:
        yield Note(
            "advise.leak-without", {"model": evidence.best.model, **spread(clean), "other": evidence.best.r1.value}
        )
    if identical:
        yield Note("advise.leak-config")
