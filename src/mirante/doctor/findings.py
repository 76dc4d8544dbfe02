"""What was found, as data; the words are in the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from mirante.messages import text
from mirante.types import Scalar

Level: TypeAlias = Literal["ok", "warn", "wrong"]

LEVELS: tuple[Level, ...] = ("ok", "warn", "wrong")


@dataclass(frozen=True)
class Finding:
    """One line.

    Args:
        level: `ok`, `warn` (works, but not as well as it could, or not everywhere) or `wrong` (results would be too,
            or something fails).
        key: of the message, which also says what to do.
        values: what fills the message.
    """

    level: Level
    key: str
    values: Mapping[str, Scalar] = field(default_factory=dict)

    def words(self, lang: str | None = None) -> str:
        """The finding in English or Portuguese."""
        return text(self.key, lang, **self.values)


@dataclass(frozen=True)
class Examination:
    """The findings of each part, in order."""

    parts: Mapping[str, tuple[Finding, ...]]

    def count(self, level: Level) -> int:
        """How many findings are of that level."""
        return sum(one.level == level for found in self.parts.values() for one in found)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong; warnings are no failure."""
        return not self.count("wrong")

    def to_dict(self, lang: str | None = None) -> dict[str, Any]:
        """Plain values for JSON, `"schema": 1`, messages in `lang`."""
        return {
            "schema": 1,
            "passed": self.passed,
            "counts": {level: self.count(level) for level in LEVELS},
            "parts": {
                part: [
                    {
                        "level": one.level,
                        "finding": one.key.partition(".")[2],
                        "values": dict(one.values),
                        "message": one.words(lang),
                    }
                    for one in found
                ]
                for part, found in self.parts.items()
            },
        }
