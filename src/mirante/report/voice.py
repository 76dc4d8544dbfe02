"""The language of a report: its texts, and how it writes numbers and lists."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mirante import messages
from mirante.types import Estimate, Protocol

NOTHING = "—"


@dataclass(frozen=True, slots=True)
class Voice:
    """Says everything in one language.

    Args:
        lang: `"en"` or `"pt"`.
    """

    lang: str

    @property
    def tag(self) -> str:
        """The BCP 47 tag of the page."""
        return {"pt": "pt-BR"}.get(self.lang, self.lang)

    def say(self, key: str, /, **values: object) -> str:
        """The text of `report.key`, or of `area.key` where the area is named.

        Raises:
            UnknownName: no such key.
        """
        return messages.text(key if "." in key else f"report.{key}", self.lang, **values)

    def number(self, value: float, places: int = 0) -> str:
        """`1234.5` as `1,234.5` or `1.234,5`; infinity as `∞`; a dash for what is no number."""
        if not math.isfinite(value):
            return "∞" if value > 0 else NOTHING
        written = f"{value:,.{places}f}"
        if float(written.replace(",", "")) == 0:
            written = written.removeprefix("-")
        written = written.replace("-", "\u2212")
        return written.translate(str.maketrans(",.", ".,")) if self.lang == "pt" else written

    def short(self, value: float) -> str:
        """A number with as few decimals as it has, at most three: `3`, `0.25`."""
        return self.number(value, next((places for places in range(3) if round(value, places) == value), 3))

    def rough(self, value: float) -> str:
        """A number of two significant digits without an exponent, whole from 10 on: `0.0045`, `3.2`, `128`."""
        size = abs(value)
        return self.number(value, max(0, 1 - math.floor(math.log10(size))) if 0 < size < 10 else 0)

    def points(self, share: float) -> str:
        """A difference of shares in points, to a tenth; to a hundredth where a tenth would hide it."""
        return self.number(100 * share, 1 if abs(share) >= 0.0005 or not share else 2)

    def chance(self, p: float) -> str:
        """A p value of three decimals, `< 0.001` below them."""
        least = 0.001
        return self.say("less_than", value=self.number(least, 3)) if p < least else self.number(p, 3)

    def percent(self, share: float, places: int = 1) -> str:
        """A share from 0 to 1 as a percentage."""
        return f"{self.number(100 * share, places)}%" if math.isfinite(share) else NOTHING

    def names(self, names: Sequence[str]) -> str:
        """`a, b and c`."""
        if len(names) < 2:
            return "".join(names)
        return self.say("and", first=", ".join(names[:-1]), last=names[-1])

    def interval(self, estimate: Estimate) -> str:
        """`, interval 1.0% to 2.0%`, or nothing where none was computed."""
        if not estimate.low < estimate.high:
            return ""
        return self.say("interval", low=self.percent(estimate.low), high=self.percent(estimate.high))

    def language(self, tag: str) -> str:
        """The name of a caption language, or its tag where the catalogue has no name."""
        known = {"": "any", "en": "en", "pt": "pt", "pt-br": "pt_br"}
        plain = tag.lower().replace("_", "-")
        if key := known.get(plain):
            return self.say(f"language_{key}")
        named = f"languages.name_{plain}"
        return self.say(named) if named in messages.catalogue() else tag

    def heading(self, protocol: Protocol) -> str:
        """`data, language: direction`, the name of one set of conditions."""
        return f"{protocol.data} · {self.language(protocol.language)} · {self.say(protocol.direction)}"
