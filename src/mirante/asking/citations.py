"""Citations are checked as the text comes: `[id]` of what was retrieved stays, anything else in brackets is dropped."""

import re
from collections.abc import Iterator, Mapping

_SEVERAL = re.compile(r"[,;]")
_PREFIX = re.compile(r"(?:id|item)\s*[=:]?\s+|(?:id|item)\s*[=:]\s*", re.IGNORECASE)


class Citations:
    """What a text cites.

    Args:
        known: label, as it is cited → id.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known
        self.cited: list[str] = []
        self.dropped: list[str] = []
        self._longest = sum(len(one) + 8 for one in known) + 80

    def checked(self, pieces: Iterator[str]) -> Iterator[str]:
        """The same text, in which each bracket is a citation; one that is cut in two comes whole.

        >>> cited = Citations({"7": "7", "8": "8"})
        >>> "".join(cited.checked(iter(["A dog [", "7; 8], a cat [9].", " [7]"])))
        'A dog [7][8], a cat. [7]'
        >>> cited.cited, cited.dropped
        (['7', '8'], ['9'])
        """
        held = ""
        for piece in pieces:
            text, held = self._split(held + piece)
            if text:
                yield text
        if held:
            yield held

    def _split(self, text: str) -> tuple[str, str]:
        """What can be said now, and what is held back: an open bracket, or space that could stand before one."""
        said = ""
        while True:
            before, bracket, rest = text.partition("[")
            said += before
            inside, end, after = rest.partition("]")
            if bracket and (len(inside) > self._longest or "\n" in inside or "[" in inside):
                said, text = said + bracket, rest  # a bracket that is none of a citation
            elif end:
                put = self._put(inside.strip())
                said, text = (said if put else said.rstrip(" ")) + put, after
            else:
                kept = said.rstrip(" ")
                return kept, said[len(kept) :] + bracket + rest

    def _put(self, inside: str) -> str:
        """The citations of one bracket, as they stay in the text."""
        put = ""
        for name, meant in map(self._id, self._named(inside)):
            if meant is None:
                self.dropped.append(name)
                continue
            put += f"[{name}]"
            if meant not in self.cited:
                self.cited.append(meant)
        return put

    def _named(self, inside: str) -> list[str]:
        if self._id(inside)[1] is not None:
            return [inside]
        return [one.strip() for one in _SEVERAL.split(inside)]

    def _id(self, name: str) -> tuple[str, str | None]:
        """The label, and the id that it means; None where nothing of that name was retrieved."""
        for label in (name, _PREFIX.sub("", name, count=1)):
            if label in self.known:
                return label, self.known[label]
        return name, None
