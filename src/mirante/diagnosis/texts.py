"""What the captions are as texts: how long, which repeat, which are lists in one text, which look like labels."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mirante.types import Caption, Pairs

MANY, FEW_TEXTS, FEW_SHARE = 200, 15, 0.1
"""Of more than so many pictures, fewer distinct texts than this, or than this share, look like labels."""

LONG = 60
"""Words of which a caption may have so many before CLIP's 77 tokens cut it."""

_QUOTED_LIST = re.compile(r"""\s*[\[({]\s*(?P<quote>['"‘“]).*""", re.DOTALL)
_BETWEEN = re.compile(r"""['"’”]\s*,?\s*['"‘“]""")
_ENDS = re.compile(r"""['"’”]\s*,?\s*[\])}]\s*$""")
_BARE_LIST = re.compile(r"\s*\[[^\[\]]+(,[^\[\]]+)+\]\s*$")
_APART = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Lengths:
    """Words per caption.

    Args:
        least: of the shortest.
        median: half of the captions have at most so many.
        high: 95 % of the captions have at most so many.
        most: of the longest.
        long: captions of more than `LONG` words.
    """

    least: int
    median: float
    high: float
    most: int
    long: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """One text that stands on several pictures, case and punctuation aside: the ids of its captions."""

    text: str
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassLike:
    """Whether the texts look like labels.

    Args:
        pictures: n.
        texts: u, how many are distinct.
        found: n > 200 and (u < 15 or u / n < 0.1).
    """

    pictures: int
    texts: int
    found: bool


def plain(text: str) -> str:
    """The words of a text, case, accents' spelling, punctuation and spaces aside; of signs alone, the text itself."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _APART.sub(" ", folded).strip() or folded.strip()


def lengths(captions: Sequence[Caption]) -> Lengths | None:
    """Count words; None without captions."""
    if not captions:
        return None
    counts = np.array([len(caption.text.split()) for caption in captions])
    high = float(np.quantile(counts, 0.95))
    return Lengths(
        int(counts.min()), float(np.median(counts)), high, int(counts.max()), int(np.count_nonzero(counts > LONG))
    )


def repeated(pairs: Pairs, copies: Iterable[Sequence[str]] = ()) -> tuple[Repeated, ...]:
    """Texts that stand on two different pictures or more, the most frequent first.

    Args:
        pairs: the data.
        copies: groups of ids of pictures that are one picture.
    """
    stands = {one: group[0] for group in copies for one in group}
    found: dict[str, list[Caption]] = {}
    for caption in pairs.captions:
        found.setdefault(plain(caption.text), []).append(caption)
    several = [same for same in found.values() if len(same) > 1 and _pictures(same, pairs.relevance, stands) > 1]
    several.sort(key=len, reverse=True)
    return tuple(Repeated(same[0].text, tuple(one.id for one in same)) for same in several)


def is_list(text: str) -> bool:
    """Whether a text is a list that somebody wrote as text: `['a', 'b']`, `["a"]`, numpy's `['a' 'b']`, or cut short.

    >>> is_list("['a dog', 'two dogs']"), is_list("[a dog] runs"), is_list("['a dog', 'two do")
    (True, False, True)
    """
    if _BARE_LIST.match(text):
        return True
    quoted = bool(_QUOTED_LIST.match(text))
    return quoted and bool(_BETWEEN.search(text) or _ENDS.search(text))


def class_like(pairs: Pairs) -> ClassLike:
    """Whether many pictures share few texts, which are then labels rather than captions."""
    pictures, texts = len(pairs.images) + len(pairs.merged), len({plain(caption.text) for caption in pairs.captions})
    few = texts < FEW_TEXTS or texts / max(1, pictures) < FEW_SHARE
    return ClassLike(pictures, texts, bool(texts) and pictures > MANY and few)


def _pictures(captions: Iterable[Caption], relevance: Mapping[str, frozenset[str]], stands: Mapping[str, str]) -> int:
    """How many different pictures the captions describe."""
    return len({stands.get(image, image) for caption in captions for image in relevance[caption.id]})
