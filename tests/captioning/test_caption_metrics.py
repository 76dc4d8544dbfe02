"""BLEU-4, ROUGE-L and CIDEr-D against hand-made cases and the values of pycocoevalcap 1.2 (Java tokenizer included)."""

import numpy as np
import pytest

from mirante.captioning import bleu, cider, rouge
from mirante.captioning.measures import measure
from mirante.captioning.tokens import words
from mirante.errors import DataError

ENGLISH = {
    "1": (
        "A man riding a wave on top of a surfboard.",
        [
            "A man is surfing a large wave in the ocean.",
            "A surfer riding a wave on his surfboard.",
            "Man on a surfboard riding a big wave.",
        ],
    ),
    "2": (
        "A cat's toy lying on a bed",
        [
            "A cat is lying on the bed with its toy.",
            "The cat doesn't want to leave the bed.",
            "A gray-and-white cat, asleep on a bed.",
        ],
    ),
    "3": (
        "Two dogs play with a red frisbee in the park",
        [
            "Two dogs are playing with a frisbee.",
            "Two brown dogs run after a red frisbee in a park.",
            "The dogs' frisbee is flying!",
        ],
    ),
    "4": (
        "A kitchen with a stove and a refrigerator",
        [
            "A kitchen with wooden cabinets, a stove and a sink.",
            "A clean, modern kitchen.",
            "There is a refrigerator (white) in the kitchen.",
        ],
    ),
    "5": (
        "A bus",
        [
            "A double-decker bus drives down the street.",
            "A red bus on a city street at 10:30.",
            "The bus can't stop here.",
        ],
    ),
}
PORTUGUESE = {
    "1": ("um gato preto dorme no sofá", ["um gato preto dormindo no sofá", "gato preto deitado sobre o sofá"]),
    "2": (
        "dois meninos jogam bola na praia",
        ["dois meninos jogam futebol na praia", "meninos brincando com uma bola na areia da praia"],
    ),
    "3": (
        "uma xícara de café ao lado de um guarda-chuva",
        ["uma xícara de café na mesa", "um guarda-chuva ao lado de uma xícara de café"],
    ),
    "4": ("peixes debaixo d'água", ["três peixes coloridos nadam debaixo d'água", "peixes no mar"]),
}
PUBLISHED = {
    "en": {"bleu_4": 0.316190836093308, "rouge_l": 0.6459821301697696, "cider_d": 1.793589537844437},
    "pt-BR": {"bleu_4": 0.3635556115456149, "rouge_l": 0.71220515697688, "cider_d": 3.0291602927635966},
}
EACH = {  # CIDEr-D of every picture
    "en": [2.2836831646908173, 1.8183091605328336, 2.0324566624445133, 2.0680938193869958, 0.7654048821670262],
    "pt-BR": [3.0064100587092546, 2.8201656974610883, 4.68007823029086, 1.6099871845931846],
}


def both(fixture):
    return {one: own for one, (own, _) in fixture.items()}, {one: told for one, (_, told) in fixture.items()}


@pytest.mark.parametrize(("fixture", "language"), [(ENGLISH, "en"), (PORTUGUESE, "pt-BR")])
def test_values_are_those_of_pycocoevalcap(fixture, language):
    captions, references = both(fixture)
    found = measure(captions, references, language=language, resamples=0)
    for name, value in PUBLISHED[language].items():
        assert found[name].value == pytest.approx(value, abs=1e-6), name
    own = [words(text, language) for text in captions.values()]
    told = [[words(text, language) for text in references[one]] for one in captions]
    assert cider.scores(own, told) == pytest.approx(EACH[language], abs=1e-6)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The cat doesn't want to leave.", "the cat does n't want to leave"),
        ("A gray-and-white cat, asleep!", "a gray-and-white cat asleep"),
        ("The dogs' frisbee is flying!", "the dogs frisbee is flying"),
        ("There is a refrigerator (white) here", "there is a refrigerator -lrb- white -rrb- here"),
        ("He's got 3,000 T-shirts & a 50% discount; it's OK?", "he 's got 3,000 t-shirts & a 50 % discount it 's ok"),
        ("I'm sure they'll come, won't they?", "i 'm sure they 'll come wo n't they"),
        ("It cannot stop at 10:30.", "it can not stop at 10:30"),
        ("U.S. flag on a wall...", "u.s. flag on a wall"),
        ("It costs $5.50 (really)", "it costs $ 5.50 -lrb- really -rrb-"),
    ],
)
def test_english_words_are_those_of_the_java_tokenizer(text, found):
    assert words(text, "en") == found.split()


def test_portuguese_words_stay_whole():
    text = "Um guarda-chuva (vermelho) debaixo d'água, à noite!"
    assert words(text, "pt-BR") == ["um", "guarda-chuva", "vermelho", "debaixo", "d'água", "à", "noite"]


def test_bleu_by_hand():
    """Five words, all right; 4, 3, 2 of 4, 3, 2 phrases; one word less than the reference: exp(1 − 6/5)."""
    counts = bleu.counts(["um", "gato", "preto", "no", "sofá"], [["um", "gato", "preto", "no", "sofá", "azul"]])
    assert counts.tolist() == [5, 4, 3, 2, 5, 4, 3, 2, 5, 6]
    assert float(bleu.value(counts)) == pytest.approx(np.exp(-0.2))


def test_bleu_counts_a_word_as_often_as_one_reference_has_it():
    counts = bleu.counts(["the", "the", "the"], [["the", "cat"], ["a", "the", "the"]])
    assert counts[0] == 2


def test_bleu_takes_the_closest_reference_length_and_of_two_the_shorter():
    counts = bleu.counts(["a"] * 4, [["a"] * 5, ["a"] * 3, ["a"] * 9])
    assert counts[-2:].tolist() == [4, 3]


def test_rouge_by_hand():
    """`um … preto` in order: 2 of 3 words, 2 of 4 of the reference."""
    score = rouge.score(["um", "preto", "gato"], [["um", "sofá", "bem", "preto"]])
    precision, recall = 2 / 3, 2 / 4
    assert score == pytest.approx((1 + 1.44) * precision * recall / (recall + 1.44 * precision))


def test_a_caption_without_words_or_matches_is_worth_nothing():
    found = measure({"1": "", "2": "xyz"}, {"1": ["um gato"], "2": ["um cão"]}, resamples=0)
    assert [one.value for one in found.values()] == [0, 0, 0]


def test_equal_captions_are_worth_all():
    told = {"1": ["um gato preto dorme no sofá"], "2": ["dois meninos jogam bola na praia"]}
    found = measure({one: texts[0] for one, texts in told.items()}, told, resamples=0)
    assert found["bleu_4"].value == found["rouge_l"].value == pytest.approx(1)
    assert found["cider_d"].value == pytest.approx(10)


def test_intervals_hold_the_value_and_shrink_with_pictures():
    captions, references = both(ENGLISH)
    few = measure(captions, references, language="en", resamples=300)
    many = measure(
        {f"{n}{one}": text for n in range(20) for one, text in captions.items()},
        {f"{n}{one}": text for n in range(20) for one, text in references.items()},
        language="en",
        resamples=300,
    )
    for name in ("bleu_4", "rouge_l"):
        assert few[name].low <= few[name].value <= few[name].high
        assert many[name].high - many[name].low < few[name].high - few[name].low


def test_a_picture_without_reference_is_refused():
    with pytest.raises(DataError, match="1 pictures have no reference, first '2'"):
        measure({"1": "um gato", "2": "um cão"}, {"1": ["um gato"]})
    with pytest.raises(DataError, match="1 pictures have no reference, first '1'"):
        measure({"1": "um gato"}, {"1": []})
    with pytest.raises(DataError, match="There are no captions"):
        measure({}, {"1": ["um gato"]})
