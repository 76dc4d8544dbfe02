"""A second, slow reading of scenes and captions, written apart from the package: the oracle of its tests.

`true_of` decides a claim by plain loops; `read` turns a caption back into what it claims.
"""

from itertools import permutations

from mirante.datasets.scenes.claims import Claim, Group
from mirante.datasets.scenes.world import COLOURS, KINDS, Scene, Thing

OTHER_SIDE = {"left": "right", "right": "left", "above": "below", "below": "above"}

PLACES = {
    "en": {
        "beach": ("on the beach", "at the beach"),
        "city": ("in the city", "in front of a city"),
        "desert": ("in the desert", "among the dunes"),
        "field": ("in a green field", "in the field"),
        "night": ("at night", "under the night sky"),
        "sea": ("under water", "in the sea"),
        "snow": ("in the snow", "on a snowy day"),
        "sunset": ("at sunset", "at the end of the day"),
    },
    "pt-BR": {
        "beach": ("na praia", "à beira-mar"),
        "city": ("na cidade", "diante de uma cidade"),
        "desert": ("no deserto", "entre as dunas"),
        "field": ("num campo verde", "no campo"),
        "night": ("à noite", "sob o céu noturno"),
        "sea": ("debaixo d'água", "no mar"),
        "snow": ("na neve", "num dia de neve"),
        "sunset": ("ao pôr do sol", "no fim do dia"),
    },
}
JOINTS = {
    "en": {
        "to the left of": "left", "left of": "left", "to the right of": "right", "right of": "right",
        "above": "above", "over": "above", "below": "below", "under": "below", "and": None,
    },
    "pt-BR": {
        "à esquerda de": "left", "do lado esquerdo de": "left", "à direita de": "right", "do lado direito de": "right",
        "acima de": "above", "em cima de": "above", "abaixo de": "below", "embaixo de": "below", "e": None,
    },
}  # fmt: skip
COUNTS = {
    "en": {"a": 1, "an": 1, "two": 2, "three": 3, "four": 4},
    "pt-BR": {"um": 1, "uma": 1, "dois": 2, "duas": 2, "três": 3, "quatro": 4},
}
PT_NOUNS = {
    "maçã": "apple", "bola": "ball", "sino": "bell", "pássaro": "bird", "barco": "boat", "borboleta": "butterfly",
    "carro": "car", "gato": "cat", "xícara": "cup", "peixe": "fish", "flor": "flower", "coração": "heart",
    "casa": "house", "chave": "key", "lua": "moon", "cogumelo": "mushroom", "foguete": "rocket", "estrela": "star",
    "árvore": "tree", "guarda-chuva": "umbrella",
}  # fmt: skip
PT_PLURALS = {"flores": "flor", "corações": "coração"}
PT_ADJECTIVES = {
    "vermelh": "red", "laranj": "orange", "amarel": "yellow", "verd": "green", "azul": "blue", "azui": "blue",
    "rox": "purple", "ros": "pink", "marrom": "brown", "marron": "brown", "branc": "white", "pret": "black",
}  # fmt: skip
PT_LOOKS = {"pequen": "small", "grand": "large", "listrad": "striped"}
EN_PLURALS = {"butterflies": "butterfly", "fish": "fish"}


def true_of(claim: Claim, scene: Scene) -> bool:
    """Whether the claim is true of the scene: some way of telling its groups apart fits all of it."""
    if claim.background is not None and claim.background != scene.background:
        return False
    shown = [(thing, 1) for thing in scene.things] if scene.relation else [(scene.things[0], len(scene.things))]
    for chosen in permutations(range(len(shown)), len(claim.groups)):
        fits = all(_fits(group, *shown[at]) for group, at in zip(claim.groups, chosen, strict=True))
        seen = scene.relation if chosen[0] == 0 else OTHER_SIDE.get(scene.relation)
        if fits and (claim.relation is None or claim.relation == seen):
            return True
    return False


def _fits(group: Group, thing: Thing, count: int) -> bool:
    told = (group.kind, group.colour, group.size, group.pattern, group.count)
    seen = (thing.kind, thing.colour, thing.size, thing.pattern, count)
    return all(one is None or one == other for one, other in zip(told, seen, strict=True))


def read(text: str, language: str) -> Claim:
    """What a caption claims, in whatever wording; a claim told from the other thing comes back told so."""
    background = None
    for place, phrases in PLACES[language].items():
        for phrase in phrases:
            if text.startswith(f"{phrase}, ") or text.endswith(f" {phrase}"):
                background, text = place, text.removeprefix(f"{phrase}, ").removesuffix(f" {phrase}")
    group = _english if language == "en" else _portuguese
    for phrase, relation in JOINTS[language].items():
        first, found, second = text.partition(f" {phrase} ")
        if found:
            return Claim((group(first), group(second)), relation, background)
    return Claim((group(text),), None, background)


def _english(text: str) -> Group:
    words = text.split()
    count = COUNTS["en"].get(words[0])
    noun = words[-1]
    kind = EN_PLURALS.get(noun, noun if noun in KINDS else noun.removesuffix("s"))
    between = words[(count is not None) : -1]
    return _group(kind, count, between)


def _portuguese(text: str) -> Group:
    words = text.replace("de bolinhas", "dotted").split()
    count = COUNTS["pt-BR"].get(words[0])
    kind, looks = "", []
    for word in words[(count is not None) :]:
        noun = PT_PLURALS.get(word, word if word in PT_NOUNS else word.removesuffix("s"))
        if noun in PT_NOUNS and not kind:
            kind = PT_NOUNS[noun]
        else:
            stem = word.removesuffix("s")
            stem = stem if stem in PT_ADJECTIVES else stem.rstrip("aeo") or stem
            looks.append(PT_ADJECTIVES.get(stem) or PT_LOOKS.get(stem) or word)
    return _group(kind, count, looks)


def _group(kind: str, count: int | None, looks: list[str]) -> Group:
    if kind not in KINDS:
        raise ValueError(f"no kind {kind!r}")
    found: dict[str, str] = {}
    for word in looks:
        if word in COLOURS:
            attribute = "colour"
        elif word in ("small", "large"):
            attribute = "size"
        elif word in ("striped", "dotted"):
            attribute = "pattern"
        else:
            raise ValueError(f"cannot read {word!r}")
        if attribute in found:
            raise ValueError(f"two of {attribute}: {looks}")
        found[attribute] = word
    return Group(kind, count=count, **found)
