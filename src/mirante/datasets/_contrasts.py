"""Questions that ask which text fits which picture, where both nearly fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mirante.types import Caption, Dataset, Pairs, Picture


@dataclass(frozen=True, slots=True)
class Contrast:
    """One question: k pictures and m texts, k ≤ m; text i describes picture i and no other; the rest describe none.

    k = m = 2 is a pair of Winoground; k = 1 is a choice of captions as in SugarCrepe.

    Args:
        id: unique within a data set.
        kind: what the texts differ in, e.g. `"swap_att"`; figures are given for each.
        images: k pictures.
        texts: m captions in one language.
    """

    id: str
    kind: str
    images: tuple[Picture, ...]
    texts: tuple[Caption, ...]


def read_contrasts(dataset: Dataset, *, splits: Sequence[str], language: str | None = None) -> Iterator[Contrast]:
    """The questions of a data set that asks some: it says so with a method `contrasts(split, language)`.

    Args:
        dataset: the whole data set, see `whole`.
        splits: their names.
        language: only questions in this language.
    """
    ask = getattr(dataset, "contrasts", None)
    if ask is None:
        return
    for split in splits:
        yield from ask(split, language)


def about(contrasts: Iterator[Contrast], pairs: Pairs) -> tuple[Contrast, ...]:
    """The questions whose pictures are all among those of `pairs`, equal ones included."""
    known = {image.id for image in pairs.images} | pairs.merged.keys()
    return tuple(one for one in contrasts if known.issuperset(image.id for image in one.images))
