"""One step out of many facts: the rules propose, what was measured by fine-tuning decides.

no model measured                               measure
a fine-tune was tried, and its gain is sure     fine-tune (robust where there are very many pictures)
a fine-tune was tried, and gains surely little  deploy where R@1 is high, else collect
the rules agree over the interval of R@1        what they say
the sample cannot tell                          learn: try fine-tunes on shares of the data
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mirante.advice.curve import Curve
from mirante.advice.rules import Answer, Verdict
from mirante.types import Estimate

Action: TypeAlias = Literal["measure", "collect", "fine-tune", "robust", "learn", "deploy"]
Basis: TypeAlias = Literal["nothing", "rules", "shares", "curve"]

STEPS: dict[Verdict, Action] = {
    "collect": "collect",
    "fine-tune-now": "fine-tune",
    "fine-tune-likely": "fine-tune",
    "fine-tune-likely-small": "fine-tune",
    "robust": "robust",
    "deploy": "deploy",
}
WORTH = 0.02
"""A gain of R@1 below this is not worth a run: the guide's own bound for "similar"."""
ENOUGH = 0.35
"""From here on the guide calls R@1 high."""
MANY = 100_000


@dataclass(frozen=True)
class Decision:
    """What to do, and on which grounds.

    Args:
        action: the step.
        basis: `"curve"` where the extrapolation decided, `"shares"` where a share of the data already did, `"rules"`.
        others: actions that the sample cannot exclude.
    """

    action: Action
    basis: Basis
    others: tuple[Action, ...] = ()


def decide(step: Answer | None, curve: Curve | None, *, r1: Estimate | None, rows: int) -> Decision:
    """The one step.

    Args:
        step: the rules' answer on it, None where R@1 is not known.
        curve: of fine-tunes on shares, None where none was tried.
        r1: R@1 that the rules read.
        rows: n, pictures to learn from.
    """
    if step is None or r1 is None:
        return Decision("measure", "nothing")
    learn: Action = "robust" if rows > MANY else "fine-tune"
    if curve is not None:
        measured = curve.measured_gain
        if measured.low >= WORTH:
            return Decision(learn, "curve" if curve.trusted else "shares")
        if curve.trusted and curve.gain.low >= WORTH:
            return Decision(learn, "curve")
        if curve.trusted and curve.gain.high < WORTH:
            return Decision("deploy" if r1.value >= ENOUGH else "collect", "curve")
    action = STEPS[step.verdict]
    others = tuple(dict.fromkeys(other for one in step.others if (other := STEPS[one]) != action))
    if others and curve is None and "collect" not in (action, *others):
        return Decision("learn", "rules", (action, *others))
    return Decision(action, "rules", others)
