"""Claims in words: agreement in Portuguese, articles and plurals in English, and one meaning for every text."""

from itertools import product

import numpy as np
import pytest
from scenes_read import read

from mirante.datasets.scenes.claims import Claim, Group, full, partial, turned
from mirante.datasets.scenes.grammar import LANGUAGES, PLAIN, Wording, say, wording
from mirante.datasets.scenes.world import BACKGROUNDS, COLOURS, KINDS, RELATIONS, SIZES, sample
from mirante.errors import UnknownName

WORDINGS = [Wording(*choices) for choices in product((0, 1), (False, True), (False, True))]
GROUPS = [
    Group(*words)
    for words in product(KINDS, (None, *COLOURS), (None, *SIZES), (None, "striped", "dotted"), (None, 1, 2, 3, 4))
]


def claims_at(numbers):
    """A full and a partial claim of each of many scenes."""
    for number in numbers:
        rng = np.random.default_rng((70, number))
        scene = sample(rng)
        yield full(scene)
        yield partial(scene, rng)


def one(kind, colour=None, count=1, size=None, pattern=None):
    return Claim((Group(kind, colour, size, pattern, count),))


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        (one("fish", "red", 2), "dois peixes vermelhos"),
        (one("star", "yellow", 2), "duas estrelas amarelas"),
        (one("house", "blue", 3), "três casas azuis"),
        (one("umbrella", "brown"), "um guarda-chuva marrom"),
        (one("umbrella", "brown", 2), "dois guarda-chuvas marrons"),
        (one("apple", "green"), "uma maçã verde"),
        (one("moon", "black", 4), "quatro luas pretas"),
        (one("flower", "orange", 2), "duas flores laranja"),
        (one("heart", "pink", 3), "três corações rosa"),
        (one("cat", "purple"), "um gato roxo"),
        (one("butterfly", "purple"), "uma borboleta roxa"),
        (one("bird", "white", None), "pássaros brancos"),
        (one("key", "white", None), "chaves brancas"),
        (one("tree", None, 2, "small"), "duas pequenas árvores"),
        (one("boat", None, 4, "small"), "quatro pequenos barcos"),
        (one("bell", None, 1, "large"), "um grande sino"),
        (one("cup", None, 2, "large"), "duas grandes xícaras"),
        (one("ball", "blue", 1, None, "striped"), "uma bola azul listrada"),
        (one("rocket", "green", 3, None, "striped"), "três foguetes verdes listrados"),
        (one("car", "red", 1, "small", "dotted"), "um pequeno carro vermelho de bolinhas"),
        (one("mushroom", "red", 2, None, "dotted"), "dois cogumelos vermelhos de bolinhas"),
        (one(None, "yellow"), "uma coisa amarela"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_portuguese_agrees_in_gender_and_number(claim, text):
    assert say(claim, "pt-BR") == text


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        (one("fish", "orange"), "an orange fish"),
        (one("fish", "red", 2), "two red fish"),
        (one("butterfly", None, 2), "two butterflies"),
        (one("butterfly"), "a butterfly"),
        (one("apple"), "an apple"),
        (one("apple", "red"), "a red apple"),
        (one("umbrella", None, 3), "three umbrellas"),
        (one("umbrella"), "an umbrella"),
        (one("house", "blue", 4), "four blue houses"),
        (one("star", "red", None), "red stars"),
        (one("fish", None, None), "fish"),
        (one("ball", "white", 1, "large", "striped"), "a large striped white ball"),
        (one("ball", "white", 1, None, "plain"), "a white ball"),
        (one(None, "orange"), "an orange thing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_english_has_its_articles_and_plurals(claim, text):
    assert say(claim, "en") == text


STAR_AND_CAR = (Group("star", "yellow"), Group("car", "red"))


@pytest.mark.parametrize(
    ("words", "english", "portuguese"),
    [
        (
            PLAIN,
            "a yellow star to the left of a red car at night",
            "uma estrela amarela à esquerda de um carro vermelho à noite",
        ),
        (
            Wording(variant=1),
            "a yellow star left of a red car under the night sky",
            "uma estrela amarela do lado esquerdo de um carro vermelho sob o céu noturno",
        ),
        (
            Wording(place_first=True),
            "at night, a yellow star to the left of a red car",
            "à noite, uma estrela amarela à esquerda de um carro vermelho",
        ),
        (
            Wording(turned=True),
            "a red car to the right of a yellow star at night",
            "um carro vermelho à direita de uma estrela amarela à noite",
        ),
    ],
)
def test_wordings_of_one_claim(words, english, portuguese):
    claim = Claim(STAR_AND_CAR, "left", "night")
    assert say(claim, "en", words) == english
    assert say(claim, "pt-BR", words) == portuguese


def test_two_things_without_relation_are_joined_by_and():
    assert say(Claim(STAR_AND_CAR), "en") == "a yellow star and a red car"
    assert say(Claim(STAR_AND_CAR), "pt-BR") == "uma estrela amarela e um carro vermelho"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_relation_and_place_is_said_in_both_variants(language):
    said = {
        say(Claim(STAR_AND_CAR, relation, place), language, Wording(variant))
        for relation, place, variant in product(RELATIONS, BACKGROUNDS, (0, 1))
    }
    assert len(said) == len(RELATIONS) * len(BACKGROUNDS) * 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_groups_are_said_and_read_back_as_themselves(language):
    for group in GROUPS[::7]:
        assert read(say(Claim((group,)), language), language) == Claim((group,))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", WORDINGS, ids=str)
def test_claims_of_scenes_are_said_and_read_back_in_every_wording(language, words):
    for claim in claims_at(range(150)):
        expected = turned(claim) if words.turned else claim
        assert read(say(claim, language, words), language) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_groups_that_differ_never_share_a_text(language):
    texts = {say(Claim((group,)), language) for group in GROUPS}
    assert len(texts) == len(GROUPS) == 9900


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_means_one_thing_however_claims_are_worded(language):
    meaning = {}
    for claim in claims_at(range(250)):
        for words in WORDINGS:
            meant = frozenset({claim, turned(claim)})
            assert meaning.setdefault(say(claim, language, words), meant) == meant


@pytest.mark.parametrize("language", LANGUAGES)
def test_plain_is_said_by_saying_nothing(language):
    """The one intended collision: no caption names the pattern `plain`."""
    assert say(one("star", pattern="plain"), language) == say(one("star"), language)


def test_texts_are_tidy():
    for claim in claims_at(range(200)):
        for language, words in product(LANGUAGES, WORDINGS):
            text = say(claim, language, words)
            assert text == " ".join(text.split()) == text.lower()


def test_wordings_are_drawn_at_random_and_repeat_with_the_generator():
    drawn = [wording(np.random.default_rng(seed)) for seed in range(200)]
    assert set(drawn) == set(WORDINGS)
    assert drawn == [wording(np.random.default_rng(seed)) for seed in range(200)]


@pytest.mark.parametrize("language", ["pt", "de", "EN", ""])
def test_a_language_without_grammar_is_refused_by_name(language):
    with pytest.raises(UnknownName, match="language of scenes") as refused:
        say(one("star"), language)
    assert refused.value.valid == LANGUAGES
