"""The reasons behind a recommendation as notes, the one that decided first."""

from collections.abc import Iterator, Mapping

from mirante.advice.decide import ENOUGH
from mirante.advice.evidence import Evidence
from mirante.advice.families import METRIC
from mirante.advice.learning import Learning
from mirante.advice.notes import Note, spread
from mirante.advice.rules import Answer, Topic
from mirante.types import Estimate

LOST = 0.03
"""Retained R@1 that a fine-tune may lose: the tolerance of `mirante blend`."""


def level(evidence: Evidence, answers: Mapping[Topic, Answer]) -> Iterator[Note]:
    """How good the best model is, and who cannot be told from it."""
    said, best = evidence.protocol, evidence.best
    if found := answers.get("level"):
        conditions = {"queries": said.queries, "gallery": said.gallery, "language": said.language}
        yield Note(f"advise.level-{found.verdict}", {"model": best.model, **spread(best.r1), **conditions})
        yield from _unsure("level", found)
    if evidence.order and (tied := _tied(evidence)):
        yield Note("advise.tied", {"model": best.model, "names": tied})


def languages(evidence: Evidence, focus: str) -> Iterator[Note]:
    """What differs from language to language; `focus` is the one that is advised on, `""` for all."""
    if not evidence.languages:
        return
    (weak, low), (strong, high) = (list(evidence.languages.items())[at] for at in (0, -1))
    values = {"weak": weak, "strong": strong, **spread(low), "other": high.value}
    if focus and high.value >= ENOUGH:
        yield Note("advise.languages-words", values)
    elif high.low > low.high:
        yield Note("advise.languages-differ", values)
    else:
        yield Note("advise.languages-alike", values)


def step(answers: Mapping[Topic, Answer], r1: Estimate, rows: int) -> Iterator[Note]:
    """What the rules say is to be done."""
    if found := answers.get("step"):
        yield Note(f"advise.step-{found.verdict}", {**spread(r1), "rows": rows})
        yield from _unsure("step", found)


def family(evidence: Evidence, answers: Mapping[Topic, Answer]) -> Iterator[Note]:
    """CLIP against SigLIP."""
    found, lead = answers.get("family"), evidence.lead
    if found and lead:
        points = {"lead": lead.value.value, "lead_low": lead.value.low, "lead_high": lead.value.high}
        yield Note(f"advise.family-{found.verdict}", {**points, "smallest": lead.smallest_difference})
        yield from _unsure("family", found)


def kind(answers: Mapping[Topic, Answer], rows: int, texts: int) -> Iterator[Note]:
    """Classes or descriptions."""
    if found := answers.get("kind"):
        yield Note(f"advise.kind-{found.verdict}", {"rows": rows, "texts": texts})


def learnt(learning: Learning) -> Iterator[Note]:
    """What the fine-tunes on shares gained, what all of the data should give, and whether to believe it."""
    curve, last = learning.curve, learning.trials[-1]
    tried = curve.measured_gain
    yield Note("advise.curve-tried", {"pictures": last.pictures, "share": last.share, **_points(tried)})
    expected = {"value": curve.expected.value, "low": curve.expected.low, "high": curve.expected.high}
    gain = _points(curve.gain)
    yield Note("advise.curve-expected" if curve.trusted else "advise.curve-doubted",
               {"all": curve.pictures, **expected, **gain})  # fmt: skip
    for doubt in curve.doubts:
        yield Note(f"advise.doubt-{doubt}", {"pictures": last.pictures, "all": curve.pictures})
    for share, pictures in learning.left_out.items():
        yield Note("advise.left-out", {"share": share, "pictures": pictures})


def forgotten(learning: Learning) -> Iterator[Note]:
    """What the largest share lost on the data that must not be forgotten."""
    found = learning.forgotten
    if found is None:
        return
    values = {
        "data": found.protocol.data,
        "language": found.protocol.language,
        "before": _mean(learning),
        "points": found.difference,
        "points_low": found.low,
        "points_high": found.high,
    }
    verdict = "forgot" if found.high < 0 else "kept" if found.low > -LOST else "unclear"
    yield Note(f"advise.retain-{verdict}", values)


def loses_much(learning: Learning | None) -> bool:
    """Whether what is forgotten is more than a blend tolerates."""
    found = learning and learning.forgotten
    return bool(found and found.high < 0 and found.difference < -LOST)


def _mean(learning: Learning) -> float:
    before = learning.trials[0].retain
    return float(before.values[METRIC].mean()) if before else 0.0


def _points(gain: Estimate) -> dict[str, float]:
    return {"points": gain.value, "points_low": gain.low, "points_high": gain.high}


def _tied(evidence: Evidence) -> list[str]:
    """Models that the corrected test cannot tell from the best one."""
    compared = {one.model: evidence.order and evidence.order.between(evidence.best.model, one.model)
                for one in evidence.models[1:]}  # fmt: skip
    return [model for model, found in compared.items() if found and not found.told_apart]


def _unsure(topic: Topic, found: Answer) -> Iterator[Note]:
    if not found.sure:
        either = [f"advise.short-{one}" for one in (found.verdict, *found.others)]
        yield Note(f"advise.unsure-{topic}", {"verdicts": either})
