"""Class names as queries: each name once, right for every picture of its class."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from mirante.datasets._entries import Listed
from mirante.types import Caption, Pairs


def asking_once(pairs: Pairs) -> Pairs:
    """`pairs` with one caption for each different text and language: it describes what all of them did.

    The captions' ids are `class/` and the text, with the language where there are several.
    """
    languages = {caption.language for caption in pairs.captions}
    together: dict[str, Caption] = {}
    relevance: dict[str, frozenset[str]] = {}
    for caption in pairs.captions:
        name = f"class/{caption.text}" + (f"@{caption.language}" if len(languages) > 1 else "")
        together.setdefault(name, replace(caption, id=name))
        relevance[name] = relevance.get(name, frozenset()) | pairs.relevance[caption.id]
    return replace(pairs, captions=tuple(together.values()), relevance=relevance)


@dataclass(frozen=True)
class Classes(Listed):
    """Pictures whose captions are names of classes."""

    def pairs(self, split: str, language: str | None = None, limit: int | None = None) -> Pairs:
        """The pictures of a split, and each class name as one query for all pictures of the class."""
        items: Iterator = islice(self.items(split, language), limit)  # type: ignore[type-arg]
        return asking_once(Pairs.from_items(items, f"{self.name}:{split}"))
