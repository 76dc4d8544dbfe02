"""What the numbers of one protocol say, in one plain sentence."""

import math
from collections.abc import Sequence

from mirante.evaluation import Comparison
from mirante.report.tables import mark, tests
from mirante.report.voice import Voice
from mirante.types import Protocol, Result

HEADLINE = "hit_rate@1"


def summary(results: Sequence[Result], protocol: Protocol, voice: Voice, comparisons: Sequence[Comparison] = ()) -> str:
    """The best model at rank 1 and how sure that is; empty where nobody measured `hit_rate@1`."""
    ranked = sorted(
        (one for one in results if HEADLINE in one.metrics and math.isfinite(one.metrics[HEADLINE].value)),
        key=lambda one: -one.metrics[HEADLINE].value,
    )
    if not ranked:
        return ""
    leader = ranked[0].metrics[HEADLINE]
    common = {
        "model": ranked[0].model,
        "what": voice.say(f"found_{protocol.direction}"),
        "value": voice.percent(leader.value),
        "interval": voice.interval(leader),
        "gallery": voice.say(f"gallery_{protocol.direction}", count=voice.number(protocol.gallery)),
    }
    if len(ranked) == 1:
        return voice.say("summary_alone", **common)
    verdict = tests(HEADLINE, [one.model for one in ranked], protocol, comparisons)
    marks = mark(HEADLINE, [one.metrics[HEADLINE] for one in ranked], verdict)
    tied = [one.model for one, given in zip(ranked, marks, strict=True) if given == "tied"]
    if tied:
        tested = verdict(0, 1) is not None
        return voice.say("summary_alike" if tested else "summary_tied", models=voice.names(tied), **common)
    key = "summary_best" if marks[0] == "best" else "summary_unsure"
    second = ranked[1]
    return voice.say(key, second=second.model, other=voice.percent(second.metrics[HEADLINE].value), **common)
