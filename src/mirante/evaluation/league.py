"""Models in order, with letters: two models that share a letter cannot be told apart.

The compact letter display of Piepho 2004 (insert and absorb): start with one letter for all; for each pair that the
corrected test separates, part every letter that holds both into one without the first and one without the second;
drop a letter whose models another letter holds too.

      hit_rate@1   letters
    A      61.2 %   a
    B      60.1 %   a b      B is like A, and like C
    C      57.9 %     b      A is better than C
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_lowercase

from mirante.errors import UnknownName
from mirante.evaluation.comparison import Comparison
from mirante.types import Estimate, Result


@dataclass(frozen=True, slots=True)
class Place:
    """One line: the model, its value, and its letters (`"a"`, `"ab"`)."""

    model: str
    value: Estimate
    letters: str


@dataclass(frozen=True, slots=True)
class League:
    """Models of one protocol by one metric.

    Args:
        metric: its name.
        places: best first.
        comparisons: of every pair, by this metric.
    """

    metric: str
    places: tuple[Place, ...]
    comparisons: tuple[Comparison, ...]

    def between(self, one: str, other: str) -> Comparison | None:
        """The comparison of two models, None where they were not compared."""
        return next((held for held in self.comparisons if {held.first, held.second} == {one, other}), None)


def league(results: Sequence[Result], comparisons: Sequence[Comparison], metric: str) -> League | None:
    """Order the `results` of one protocol by `metric`.

    Args:
        results: of one protocol, each of another model.
        comparisons: of any protocols and metrics; those that apply are taken.
        metric: one that is a mean.

    Returns:
        None where fewer than two of the models were compared.

    Raises:
        UnknownName: they were compared, but not by that metric.
    """
    own = [one for one in comparisons if one.protocol == results[0].protocol]
    held = tuple(one for one in own if one.metric == metric)
    if own and not held:
        raise UnknownName("metric that models were compared by", metric, {one.metric for one in own})
    known = {model for one in held for model in (one.first, one.second)}
    values = {one.model: one.metrics[metric] for one in results if one.model in known and metric in one.metrics}
    if len(values) < 2:
        return None
    order = sorted(values, key=lambda model: -values[model].value)
    letters = letter_display(order, [(one.first, one.second) for one in held if one.told_apart])
    return League(metric, tuple(Place(model, values[model], letters[model]) for model in order), held)


def letter_display(order: Sequence[str], apart: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Letters of each model, `a` for the first of `order`.

    >>> letter_display("ABC", [("A", "C")])
    {'A': 'a', 'B': 'ab', 'C': 'b'}

    Args:
        order: the models, best first.
        apart: pairs that can be told apart.
    """
    groups = [frozenset(order)]
    for one, other in apart:
        split = [part for group in groups for part in _parted(group, one, other)]
        groups = [part for at, part in enumerate(split) if not _held(part, at, split)]
    groups.sort(key=lambda group: sorted(order.index(model) for model in group))
    named = list(zip(_names(len(groups)), groups, strict=True))
    return {model: "".join(letter for letter, group in named if model in group) for model in order}


def _parted(group: frozenset[str], one: str, other: str) -> tuple[frozenset[str], ...]:
    return (group - {one}, group - {other}) if {one, other} <= group else (group,)


def _held(part: frozenset[str], at: int, groups: Sequence[frozenset[str]]) -> bool:
    """Whether another group holds it too; of equal ones the first stays."""
    return any(part < other or (part == other and earlier < at) for earlier, other in enumerate(groups))


def _names(count: int) -> list[str]:
    """Letters a to z, then a1 to z1, and so on."""
    rounds = ("" if turn == 0 else str(turn) for turn in range(count // 26 + 1))
    return [letter + turn for turn, letter in product(rounds, ascii_lowercase)][:count]
