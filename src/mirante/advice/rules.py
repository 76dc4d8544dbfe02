"""The rule table: facts about data and models, and the first rule of each topic that they fulfil.

`rules.toml` is the documented default. A rule reads measured facts, so an interval may lie on both sides of a bound:
`answer` then names every answer that the interval reaches, because the sample cannot tell between them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from importlib.resources import as_file, files
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

from mirante import config
from mirante.types import Estimate

Topic: TypeAlias = Literal["kind", "level", "family", "step"]
Verdict: TypeAlias = Literal[
    "classification", "diverse",
    "very-low", "low", "moderate", "high",
    "siglip-ahead", "clip-ahead", "similar",
    "collect", "fine-tune-now", "robust", "fine-tune-likely-small", "fine-tune-likely", "deploy",
]  # fmt: skip

TOPICS: tuple[Topic, ...] = ("kind", "level", "family", "step")
DIGITS = 12
"""Facts are rounded to so many digits, so that 0.52 − 0.50 is 0.02."""


@dataclass(frozen=True)
class Bounds:
    """What a fact must be.

    Args:
        above: more than this.
        least: this or more.
        below: less than this.
        most: this or less.
    """

    above: float = -math.inf
    least: float = -math.inf
    below: float = math.inf
    most: float = math.inf

    def hold(self, value: float) -> bool:
        """Whether `value` is within all four."""
        return value > self.above and value >= self.least and value < self.below and value <= self.most

    @property
    def edges(self) -> tuple[float, ...]:
        """The bounds that are given."""
        given = (self.above, self.least, self.below, self.most)
        return tuple(one for one in given if math.isfinite(one))


@dataclass(frozen=True)
class Rule:
    """One row: the answer to its topic where every bound that it gives holds.

    Args:
        topic: what it answers.
        answer: the advice.
        rows: of n, the different captioned pictures.
        texts: of u, the different texts.
        texts_per_row: of u / n.
        r1: of R@1 of the best model.
        lead: of mean R@1 of the SigLIP models less that of the CLIP models.
    """

    topic: Topic
    answer: Verdict
    rows: Bounds | None = None
    texts: Bounds | None = None
    texts_per_row: Bounds | None = None
    r1: Bounds | None = None
    lead: Bounds | None = None

    @property
    def bounds(self) -> dict[str, Bounds]:
        """Fact → its bounds, of the facts that the rule reads."""
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in named.items() if isinstance(value, Bounds)}

    def edges(self, fact: str) -> tuple[float, ...]:
        """Where what the rule says of `fact` changes."""
        bounds = self.bounds.get(fact)
        return bounds.edges if bounds else ()


@dataclass(frozen=True)
class Table:
    """All rules.

    Args:
        rules: read from top to bottom; within a topic the first that holds answers.
    """

    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Facts:
    """What rules read.

    Args:
        rows: n, different captioned pictures there are to learn from.
        texts: u, different texts among their captions, case and outer space aside.
        r1: `hit_rate@1`, text to image, of the best model; None where no model was measured.
        lead: mean R@1 of the SigLIP models less that of the CLIP models, None where a family is missing.
    """

    rows: int
    texts: int
    r1: Estimate | None = None
    lead: Estimate | None = None

    def values(self) -> dict[str, float | None]:
        """Every fact by the name that rules know it by; None where it was not measured."""
        return {
            "rows": self.rows,
            "texts": self.texts,
            "texts_per_row": self.texts / self.rows if self.rows else 0.0,
            "r1": self.r1.value if self.r1 else None,
            "lead": self.lead.value if self.lead else None,
        }


@dataclass(frozen=True)
class Answer:
    """What the rules say on one topic.

    Args:
        topic: of the rules.
        verdict: of the first rule that holds for the measured values.
        others: what they would say elsewhere within the 95 % intervals; where there is one, the sample cannot tell.
    """

    topic: Topic
    verdict: Verdict
    others: tuple[Verdict, ...] = ()

    @property
    def sure(self) -> bool:
        """Whether the whole interval gets the same answer."""
        return not self.others


def load_table(path: Path | None = None) -> Table:
    """The rules in the TOML file at `path`, by default those of the guide.

    Raises:
        UsageError: the file is missing or is no such table.
        UnknownName: an unknown key, topic or answer.
    """
    if path is not None:
        return config.read(path, Table)
    with as_file(files(__package__) / "rules.toml") as own:
        return config.read(own, Table)


def answers(table: Table, facts: Facts) -> tuple[Answer, ...]:
    """The answer to every topic whose facts are known."""
    found = (answer(table, topic, facts) for topic in TOPICS)
    return tuple(one for one in found if one is not None)


def answer(table: Table, topic: Topic, facts: Facts) -> Answer | None:
    """The answer to one topic; None where a fact that it reads was not measured, or no rule holds."""
    rules = [rule for rule in table.rules if rule.topic == topic]
    values = facts.values()
    read = {name for rule in rules for name in rule.bounds}
    known = {name: value for name in read if (value := values[name]) is not None}
    if len(known) < len(read):
        return None
    verdict = _first(rules, known)
    if verdict is None:
        return None
    reached = [
        _first(rules, known | {name: value})
        for name, estimate in (("r1", facts.r1), ("lead", facts.lead))
        if estimate is not None and name in read
        for value in _within(estimate, {edge for rule in rules for edge in rule.edges(name)})
    ]
    others = dict.fromkeys(one for one in reached if one is not None and one != verdict)
    return Answer(topic, verdict, tuple(others))


def _first(rules: list[Rule], known: dict[str, float]) -> Verdict | None:
    """The answer of the first rule that holds."""
    rounded = {name: round(value, DIGITS) for name, value in known.items()}
    held = (one.answer for one in rules if all(bounds.hold(rounded[name]) for name, bounds in one.bounds.items()))
    return next(held, None)


def _within(estimate: Estimate, edges: Iterable[float]) -> list[float]:
    """Values of an interval that see all that bounds at `edges` can say of it: ends, edges, and what lies between."""
    stops = sorted({estimate.low, estimate.high, *(edge for edge in edges if estimate.low < edge < estimate.high)})
    return stops + [(one + other) / 2 for one, other in pairwise(stops)]
