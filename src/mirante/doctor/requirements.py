"""Ranges of versions as a package's metadata states them: `torch>=2.6; extra == 'torch'`."""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest

_FORM = re.compile(r"\s*(?P<name>[\w.-]+)\s*(?:\[[^\]]*\])?\s*(?P<range>[^;]*)(?:;(?P<marker>.*))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w.-]+)['\"]")
_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|<|>)\s*([\w.+!-]+)\s*")
_HOLDS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Requirement:
    """One library.

    Args:
        name: of its distribution.
        range: such as `>=2.6` or `>=2.6,<3`; empty where any version will do.
        extra: the extra that brings it, empty where it is always needed.
    """

    name: str
    range: str
    extra: str = ""

    @classmethod
    def parse(cls, line: str) -> "Requirement":
        """Read one line of `Requires-Dist`; environment markers other than `extra` are not looked at."""
        found = _FORM.match(line)
        if not found:
            return cls(line.strip(), "")
        extra = _EXTRA.search(found["marker"] or "")
        return cls(found["name"], found["range"].strip().strip("()").strip(), extra[1] if extra else "")

    def allows(self, version: str) -> bool:
        """Whether a version lies in the range, compared by its release numbers."""
        return allows(self.range, version)


def allows(range: str, version: str) -> bool:
    """Whether `version` lies in `range`.

    >>> allows(">=2.6,<3", "2.13.0+cpu"), allows(">=2.6", "2.5.1"), allows("", "0.1")
    (True, False, True)
    """
    clauses = filter(None, (_CLAUSE.fullmatch(part) for part in range.split(",")))
    return all(_HOLDS[clause[1]](*_aligned(_release(version), _release(clause[2]))) for clause in clauses)


def _release(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found[1].split("."))) if found else ()


def _aligned(one: Iterable[int], other: Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pairs = list(zip_longest(one, other, fillvalue=0))
    return tuple(first for first, _ in pairs), tuple(second for _, second in pairs)
