"""Claims in words: a small grammar of English and Brazilian Portuguese, with agreement and a few wordings.

`plain` patterns are never named; a claim without a count is told in the bare plural ("red stars").
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mirante.datasets.scenes.claims import Claim, Group, turned
from mirante.errors import UnknownName

LANGUAGES = ("en", "pt-BR")
_AND = {"en": "and", "pt-BR": "e"}

_EN_PLURALS = {"fish": "fish", "butterfly": "butterflies"}
_EN_COUNTS = {1: "a", 2: "two", 3: "three", 4: "four"}
_EN_PLACES = {
    "beach": ("on the beach", "at the beach"),
    "city": ("in the city", "in front of a city"),
    "desert": ("in the desert", "among the dunes"),
    "field": ("in a green field", "in the field"),
    "night": ("at night", "under the night sky"),
    "sea": ("under water", "in the sea"),
    "snow": ("in the snow", "on a snowy day"),
    "sunset": ("at sunset", "at the end of the day"),
}
_EN_RELATIONS = {
    "left": ("to the left of", "left of"),
    "right": ("to the right of", "right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
}

_PT_NOUNS = {
    "apple": ("maçã", "maçãs", "f"), "ball": ("bola", "bolas", "f"), "bell": ("sino", "sinos", "m"),
    "bird": ("pássaro", "pássaros", "m"), "boat": ("barco", "barcos", "m"),
    "butterfly": ("borboleta", "borboletas", "f"), "car": ("carro", "carros", "m"), "cat": ("gato", "gatos", "m"),
    "cup": ("xícara", "xícaras", "f"), "fish": ("peixe", "peixes", "m"), "flower": ("flor", "flores", "f"),
    "heart": ("coração", "corações", "m"), "house": ("casa", "casas", "f"), "key": ("chave", "chaves", "f"),
    "moon": ("lua", "luas", "f"), "mushroom": ("cogumelo", "cogumelos", "m"), "rocket": ("foguete", "foguetes", "m"),
    "star": ("estrela", "estrelas", "f"), "tree": ("árvore", "árvores", "f"),
    "umbrella": ("guarda-chuva", "guarda-chuvas", "m"),
}  # fmt: skip
_PT_COLOURS = {
    "red": ("vermelho", "vermelha", "vermelhos", "vermelhas"),
    "orange": ("laranja", "laranja", "laranja", "laranja"),
    "yellow": ("amarelo", "amarela", "amarelos", "amarelas"),
    "green": ("verde", "verde", "verdes", "verdes"),
    "blue": ("azul", "azul", "azuis", "azuis"),
    "purple": ("roxo", "roxa", "roxos", "roxas"),
    "pink": ("rosa", "rosa", "rosa", "rosa"),
    "brown": ("marrom", "marrom", "marrons", "marrons"),
    "white": ("branco", "branca", "brancos", "brancas"),
    "black": ("preto", "preta", "pretos", "pretas"),
}
_PT_SIZES = {
    "small": ("pequeno", "pequena", "pequenos", "pequenas"),
    "large": ("grande", "grande", "grandes", "grandes"),
}
_PT_PATTERNS = {"striped": ("listrado", "listrada", "listrados", "listradas"), "dotted": ("de bolinhas",) * 4}
_PT_COUNTS = {1: ("um", "uma"), 2: ("dois", "duas"), 3: ("três", "três"), 4: ("quatro", "quatro")}
_PT_PLACES = {
    "beach": ("na praia", "à beira-mar"),
    "city": ("na cidade", "diante de uma cidade"),
    "desert": ("no deserto", "entre as dunas"),
    "field": ("num campo verde", "no campo"),
    "night": ("à noite", "sob o céu noturno"),
    "sea": ("debaixo d'água", "no mar"),
    "snow": ("na neve", "num dia de neve"),
    "sunset": ("ao pôr do sol", "no fim do dia"),
}
_PT_RELATIONS = {
    "left": ("à esquerda de", "do lado esquerdo de"),
    "right": ("à direita de", "do lado direito de"),
    "above": ("acima de", "em cima de"),
    "below": ("abaixo de", "embaixo de"),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """Choices among equal ways to say a claim: which synonym, background first or last, told from which thing."""

    variant: int = 0
    place_first: bool = False
    turned: bool = False


PLAIN = Wording()


def wording(rng: np.random.Generator) -> Wording:
    """A wording at random."""
    return Wording(int(rng.integers(2)), bool(rng.random() < 0.2), bool(rng.random() < 0.3))


def say(claim: Claim, language: str = "en", words: Wording = PLAIN) -> str:
    """The claim as a caption in `"en"` or `"pt-BR"`.

    >>> say(Claim((Group("star", "yellow"),), None, "night"))
    'a yellow star at night'
    >>> say(Claim((Group("fish", "red", count=2),)), "pt-BR")
    'dois peixes vermelhos'

    Raises:
        UnknownName: no grammar of that language.
    """
    if language not in LANGUAGES:
        raise UnknownName("language of scenes", language, LANGUAGES)
    told = turned(claim) if words.turned else claim
    relations = _EN_RELATIONS if language == "en" else _PT_RELATIONS
    parts = [phrase(told.groups[0], language)]
    if len(told.groups) == 2:
        joint = relations[told.relation][words.variant] if told.relation else _AND[language]
        parts += [joint, phrase(told.groups[1], language)]
    text = " ".join(parts)
    if not told.background:
        return text
    place = places(language)[told.background][words.variant]
    return f"{place}, {text}" if words.place_first else f"{text} {place}"


def phrase(group: Group, language: str) -> str:
    """One group in words."""
    return _english(group) if language == "en" else _portuguese(group)


def places(language: str) -> Mapping[str, tuple[str, str]]:
    """Background → its two wordings."""
    return _EN_PLACES if language == "en" else _PT_PLACES


def joints(language: str) -> Iterator[tuple[str, str | None]]:
    """What stands between two groups, and the relation of the first to the second that it says."""
    for relation, wordings in (_EN_RELATIONS if language == "en" else _PT_RELATIONS).items():
        yield from ((words, relation) for words in wordings)
    yield _AND[language], None


def _english(group: Group) -> str:
    noun = group.kind or "thing"
    plural = group.count != 1
    pattern = group.pattern if group.pattern != "plain" else None
    noun = _EN_PLURALS.get(noun, noun + "s") if plural else noun
    words = [group.size, pattern, group.colour, noun]
    phrase = " ".join(word for word in words if word)
    if group.count is None:
        return phrase
    article = "an" if not plural and phrase[0] in "aeiou" else _EN_COUNTS[group.count]
    return f"{article} {phrase}"


def _portuguese(group: Group) -> str:
    singular, plural, gender = _PT_NOUNS[group.kind] if group.kind else ("coisa", "coisas", "f")
    many = group.count != 1
    form = 2 * many + (gender == "f")
    adjectives = (
        _PT_COLOURS[group.colour][form] if group.colour else None,
        _PT_PATTERNS[group.pattern][form] if group.pattern and group.pattern != "plain" else None,
    )
    size = _PT_SIZES[group.size][form] if group.size else None
    count = _PT_COUNTS[group.count][gender == "f"] if group.count is not None else None
    words = (count, size, plural if many else singular, *adjectives)
    return " ".join(word for word in words if word)
