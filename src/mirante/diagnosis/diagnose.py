"""One look at a data set: everything that is doubtful about its texts and pictures, by id."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mirante.diagnosis.agreement import Agreement, agreement
from mirante.diagnosis.copies import Ids, copies_within, groups
from mirante.diagnosis.fingerprints import Fingerprints, fingerprint
from mirante.diagnosis.languages import GUESSED, guess_languages, same_language
from mirante.diagnosis.texts import ClassLike, Lengths, Repeated, class_like, is_list, lengths, repeated
from mirante.types import Caption, Embeddings, Pairs


@dataclass(frozen=True, slots=True)
class Foreign:
    """A caption in another language than it should be.

    Args:
        caption: its id.
        text: the caption.
        guessed: its language.
        expected: the declared language, or that of most captions that declare none.
    """

    caption: str
    text: str
    guessed: str
    expected: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A caption from a list that was written as one text; `parted` where it was read as several captions."""

    caption: str
    text: str
    parted: bool


@dataclass(frozen=True)
class Diagnosis:
    """The findings.

    Args:
        data: name of the data.
        pictures: number of different ones.
        captions: number of captions.
        lengths: in words; None without captions.
        languages: guessed language (`""` where a text tells none) → captions.
        foreign: captions in another language than the rest, or than they declare.
        repeated: texts that stand on several pictures, near copies counted once, the most frequent first.
        listed: captions from lists that were written as text.
        class_like: whether the texts look like labels.
        copies: pairs of pictures that are near copies; None where pictures were not looked at.
        agreement: language → how captions and pictures agree by a model; empty without vectors.
    """

    data: str
    pictures: int
    captions: int
    lengths: Lengths | None
    languages: Mapping[str, int]
    foreign: tuple[Foreign, ...]
    repeated: tuple[Repeated, ...]
    listed: tuple[Listed, ...]
    class_like: ClassLike
    copies: tuple[Ids, ...] | None = None
    agreement: Mapping[str, Agreement] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, every finding by id."""
        return {
            "data": self.data,
            "pictures": self.pictures,
            "captions": self.captions,
            "lengths": asdict(self.lengths) if self.lengths else None,
            "languages": dict(self.languages),
            "foreign_captions": [asdict(one) for one in self.foreign],
            "repeated_captions": [asdict(one) for one in self.repeated],
            "list_captions": [asdict(one) for one in self.listed],
            "class_like": asdict(self.class_like),
            "near_duplicates": None if self.copies is None else [list(pair) for pair in self.copies],
            "agreement": {language: asdict(one) for language, one in self.agreement.items()},
        }

    @property
    def duplicates(self) -> tuple[tuple[str, ...], ...]:
        """Groups of ids of near copies, the largest first."""
        return groups(self.copies or ())

    @property
    def doubts(self) -> tuple[str, ...]:
        """Ids of the captions that likely belong to another picture."""
        return tuple(doubt.caption for one in self.agreement.values() for doubt in one.doubts)


def diagnose(
    pairs: Pairs,
    *,
    images: Embeddings | None = None,
    texts: Embeddings | None = None,
    fingerprints: Fingerprints | None = None,
    pictures: bool = True,
) -> Diagnosis:
    """Look at the texts, at the pictures, and with vectors of both at how they agree.

    Args:
        pairs: the data, with the relevance that it gives.
        images: rows of its pictures; they also bring candidates for near copies.
        texts: rows of its captions, by the same model.
        fingerprints: of its pictures, where they were made already.
        pictures: look at the pixels; else what needs none.
    """
    guesses = guess_languages([caption.text for caption in pairs.captions])
    foreign = tuple(_foreign(pairs.captions, guesses))
    prints = (fingerprints or fingerprint(pairs.images)) if pictures else None
    copies = None if prints is None else copies_within(prints, images)
    counted = Counter(guesses)
    return Diagnosis(
        data=pairs.name,
        pictures=len(pairs.images),
        captions=len(pairs.captions),
        lengths=lengths(pairs.captions),
        languages={language: counted[language] for language in sorted(counted)},
        foreign=foreign,
        repeated=repeated(pairs, groups(copies or ())),
        listed=tuple(_listed(pairs.captions)),
        class_like=class_like(pairs),
        copies=copies,
        agreement=_agreement(pairs, guesses, images, texts) if images and texts else {},
    )


def _foreign(captions: Sequence[Caption], guesses: Sequence[str]) -> Iterator[Foreign]:
    """Captions whose guess is neither what they declare nor, where they declare none, what most of such are in."""
    usual = _usual([guess for caption, guess in zip(captions, guesses, strict=True) if not caption.language])
    for caption, guess in zip(captions, guesses, strict=True):
        expected = caption.language or usual
        if guess and expected.partition("-")[0].lower() in GUESSED and not same_language(guess, expected):
            yield Foreign(caption.id, caption.text, guess, expected)


def _usual(guesses: Sequence[str]) -> str:
    """The language of more than half of all, empty where there is none."""
    language, count = Counter(guesses).most_common(1)[0] if guesses else ("", 0)
    return language if 2 * count > len(guesses) else ""


def _listed(captions: Sequence[Caption]) -> Iterator[Listed]:
    for caption in captions:
        if caption.listed or is_list(caption.text):
            yield Listed(caption.id, caption.text, caption.listed)


def _agreement(pairs: Pairs, guesses: Sequence[str], images: Embeddings, texts: Embeddings) -> Mapping[str, Agreement]:
    """Judge each language for itself, as a model that has not learnt one finds every caption in it wrong."""
    usual = _usual(guesses)
    spoken: dict[str, list[str]] = {}
    for caption, guess in zip(pairs.captions, guesses, strict=True):
        if not is_list(caption.text):
            spoken.setdefault(guess or caption.language.partition("-")[0] or usual, []).append(caption.id)
    found = {language: agreement(pairs, images, texts, among=ids) for language, ids in sorted(spoken.items())}
    return {language: one for language, one in found.items() if one}
