"""Captions as words, for metrics that count them.

English is cut as the Penn Treebank does and as the COCO caption evaluation uses it (Chen et al. 2015, arXiv 1504.00325,
§3.1): lower case, `don't` as `do n't`, `dog's` as `dog 's`, punctuation left out. Portuguese and other languages keep a
word with an apostrophe or hyphen whole (`d'água`, `guarda-chuva`). Brackets in English count as words, `-lrb-` and
`-rrb-`: the COCO evaluation means to leave them out and does not, and its figures are to be comparable.
"""

import re
import unicodedata

_PIECE = re.compile(r"(?:[a-z]\.){2,}|\d+(?:[.,:/]\d+)*\w*|[^\W_]+(?:[-'’./][^\W_]+)*|[^\w\s]|_+")
_CONTRACTION = re.compile(r"^(.+?)(n['’]t|['’](?:s|m|d|re|ve|ll))$")
_JOINED = {"cannot": ("can", "not"), "gonna": ("gon", "na"), "gotta": ("got", "ta"), "wanna": ("wan", "na")}
_DROPPED = frozenset("'\"`’‘“”´.?!,:;-–—…()[]{}")
_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}


def words(text: str, language: str = "") -> list[str]:
    """The words of a caption; `language` is a BCP 47 tag, of which `en` matters.

    >>> words("A dog's ball isn't here.", "en")
    ['a', 'dog', "'s", 'ball', 'is', "n't", 'here']
    >>> words("Um guarda-chuva debaixo d'água!", "pt-BR")
    ['um', 'guarda-chuva', 'debaixo', "d'água"]
    """
    plain, english = unicodedata.normalize("NFC", text).lower(), language[:2].lower() == "en"
    found = _PIECE.findall(plain)
    if english:
        found = [part for piece in found for part in _parts(piece)]
    return [piece for piece in found if piece not in _DROPPED]


def _parts(piece: str) -> tuple[str, ...]:
    if piece in _JOINED:
        return _JOINED[piece]
    if piece in _BRACKETS:
        return (_BRACKETS[piece],)
    match = _CONTRACTION.match(piece)
    return (match[1], match[2].replace("’", "'")) if match else (piece,)
