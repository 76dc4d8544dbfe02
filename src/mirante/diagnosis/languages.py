"""In which language is each caption? Known words first, then the company that other words keep in the same data.

Captions are short, and "estrelas vermelhas" holds little that a small list would know. But other captions of the data
set do, and they share its nouns. So every text is judged by naive Bayes: by some 120 known words for each of six
languages, by letters and endings, and by the words of those texts that were told apart so far (expectation
maximisation, Nigam et al. 2000, "Text classification from labeled and unlabeled documents using EM"). A text in another
script is named by its script; a text that tells nothing is not named.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.int64]
Words: TypeAlias = tuple[str, ...]

GUESSED = frozenset(("en", "pt", "es", "fr", "de", "it"))
"""The languages told apart; of others in Latin script the guess means nothing."""

UNKNOWN = ""
"""The guess for a text that tells nothing."""

_WORD = re.compile(r"[^\W\d_]+")
_KNOWN, _CUE = 3.0, 1.0
"""What a known word, and a letter or an ending, speaks for its language, in natural logarithms."""
_SURE = 2.0
"""By so much the best language must be ahead of the second."""
_ROUNDS = 4
_SHRINK = 2.0
_MOST = 2.5
"""What one word of the data may speak for or against a language."""
_SCRIPTS = {
    "CYRILLIC": "und-Cyrl", "GREEK": "el", "ARABIC": "und-Arab", "HEBREW": "he", "DEVANAGARI": "und-Deva",
    "BENGALI": "bn", "THAI": "th", "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh",
}  # fmt: skip


@dataclass(frozen=True)
class _Language:
    words: frozenset[str]
    letters: frozenset[str]
    endings: tuple[str, ...]


def guess_languages(texts: Sequence[str]) -> list[str]:
    """The language of each text, judged together: `en`, `pt`, `es`, `fr`, `de`, `it`, another script's tag, or `""`.

    >>> guess_languages(["two red stars at night", "duas estrelas vermelhas à noite", "Две звезды", "42"])
    ['en', 'pt', 'und-Cyrl', '']
    """
    distinct = list(dict.fromkeys(texts))
    scripts = {text: _script(text) for text in distinct}
    latin = [text for text in distinct if not scripts[text]]
    found = dict(zip(latin, _Corpus(latin).languages(), strict=True))
    return [scripts[text] or found[text] for text in texts]


def same_language(tag: str, other: str) -> bool:
    """Whether two tags name one language, as `pt-BR` and `pt` do."""
    return tag.partition("-")[0].lower() == other.partition("-")[0].lower()


class _Corpus:
    """n texts as their different words, v in all, against l languages."""

    def __init__(self, texts: Sequence[str]) -> None:
        places: dict[str, int] = {}
        told = [[places.setdefault(word, len(places)) for word in dict.fromkeys(_words(text))] for text in texts]
        self._texts = np.repeat(np.arange(len(told)), [len(words) for words in told])
        self._words = np.array([word for words in told for word in words], np.int64)
        self._size = len(told), len(places), len(_languages())
        known = [[_speaks_for(word, language) for language in _languages().values()] for word in places]
        self._known = self._added(np.array(known).reshape(self._size[1:]))

    def languages(self) -> list[str]:
        """The guess for each text."""
        scores = self._known
        for _ in range(_ROUNDS):
            scores = self._with_company(_best(scores))
        names = [*_languages(), UNKNOWN]
        return [names[number] for number in _best(scores).tolist()]

    def _with_company(self, guesses: Numbers) -> Floats:
        """What is known of the words, how frequent each language is, and which words its texts use; (n, l).

        A word speaks by the logarithm of how much more frequent it is in the texts of a language than in all texts.
        """
        _, words, languages = self._size
        sure = guesses[self._texts] >= 0
        cells = self._words[sure] * languages + guesses[self._texts[sure]]
        used = np.bincount(cells, minlength=words * languages).reshape(words, languages)
        usual = used.sum(axis=1, keepdims=True) / max(1, used.sum())
        ratio = (used + _SHRINK * usual) / np.maximum((used.sum(axis=0) + _SHRINK) * usual, 1e-300)
        speaks = np.where(usual > 0, np.clip(np.log(np.maximum(ratio, 1e-300)), -_MOST, _MOST), 0)
        counted = np.bincount(guesses[guesses >= 0], minlength=languages)
        prior = np.log((counted + 0.5) / (counted.sum() + 0.5 * languages))
        return np.asarray(self._known + self._added(speaks) + prior, np.float64)

    def _added(self, by_word: Floats) -> Floats:
        """(v, l) by word → (n, l) by text."""
        added = np.zeros((self._size[0], self._size[2]))
        np.add.at(added, self._texts, by_word[self._words])
        return added


def _best(scores: Floats) -> Numbers:
    """The number of the best language of each text, −1 where none is ahead; (n,)."""
    ordered = np.sort(scores, axis=1)
    ahead = ordered[:, -1] - ordered[:, -2] >= _SURE
    return np.where(ahead, scores.argmax(axis=1), -1)


@cache
def _speaks_for(word: str, language: _Language) -> float:
    if word in language.words:
        return _KNOWN
    cues = not language.letters.isdisjoint(word), len(word) > 4 and word.endswith(language.endings)
    return _CUE * sum(cues)


def _words(text: str) -> Words:
    return tuple(_WORD.findall(unicodedata.normalize("NFC", text).casefold()))


def _script(text: str) -> str:
    """The tag of the script that most letters are of, empty for Latin ones."""
    letters = Counter(unicodedata.name(sign, "LATIN").split(" ")[0] for sign in text if sign.isalpha())
    if not letters:
        return ""
    if letters["HIRAGANA"] + letters["KATAKANA"]:
        return "ja"
    return _SCRIPTS.get(letters.most_common(1)[0][0], "")


@cache
def _languages() -> Mapping[str, _Language]:
    plain = tomllib.loads(files(__package__).joinpath("languages.toml").read_text(encoding="utf-8"))
    return {
        name: _Language(_split(one["words"]), frozenset(one["letters"]), tuple(one["endings"].split()))
        for name, one in plain.items()
    }


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())
