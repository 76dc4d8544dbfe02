"""Lengths, repetitions, written lists and labels, by hand."""

import pytest
from spoilt_pictures import blank, told

from mirante.diagnosis.texts import ClassLike, Lengths, class_like, is_list, lengths, plain, repeated
from mirante.types import Caption, Pairs


def pairs(texts: list[str]) -> Pairs:
    return told([blank()] * len(texts), texts)


@pytest.mark.parametrize(
    "text",
    [
        "['a dog', 'two dogs']",
        '["a dog", "two dogs"]',
        "['a dog']",
        "['a dog' 'two dogs']",
        "('a dog', 'two dogs')",
        "{'a dog', 'two dogs'}",
        "['a dog', 'two do",
        "['it''s a dog', \"a boy's dog\"]",
        " [a dog, two dogs] ",
    ],
)
def test_a_list_written_as_text(text: str) -> None:
    assert is_list(text)


@pytest.mark.parametrize(
    "text",
    [
        "a dog, two dogs",
        "[untitled]",
        "a sign says ['stop']",
        "['tis the season",
        "(a dog)",
        "'a', 'b'",
        "",
        "[a] and [b, c]",
    ],
)
def test_no_list(text: str) -> None:
    assert not is_list(text)


def test_words_are_counted() -> None:
    captions = [Caption(str(n), text) for n, text in enumerate(["a", "a b", "a b c", "w " * 61])]
    assert lengths(captions) == Lengths(least=1, median=2.5, high=pytest.approx(52.3), most=61, long=1)
    assert lengths([]) is None


def test_repeated_texts_whatever_their_case_and_punctuation() -> None:
    found = repeated(pairs(["A dog.", "a cat", "a  dog", "A DOG!", "a bird", "A cat"]))
    assert [(one.text, one.captions) for one in found] == [
        ("A dog.", ("p0#0", "p2#0", "p3#0")),
        ("a cat", ("p1#0", "p5#0")),
    ]


def test_copies_of_one_picture_repeat_nothing() -> None:
    data = pairs(["a dog", "a dog", "a cat", "a cat"])
    assert [one.text for one in repeated(data, [("p0", "p1")])] == ["a cat"]


def test_one_picture_told_twice_in_the_same_words_repeats_nothing() -> None:
    data = pairs(["a dog"])
    twice = Pairs(
        data.images,
        (*data.captions, Caption("again", "a dog")),
        {"p0#0": frozenset({"p0"}), "again": frozenset({"p0"})},
    )
    assert repeated(twice) == ()


@pytest.mark.parametrize(
    ("pictures", "texts", "found"),
    [
        (200, 2, False),
        (201, 2, True),
        (201, 14, True),
        (201, 15, True),
        (201, 20, True),
        (201, 21, False),
        (201, 201, False),
    ],
)
def test_labels_by_the_rule_of_the_original(pictures: int, texts: int, found: bool) -> None:
    """More than 200 rows, and fewer than 15 texts or fewer than one in ten."""
    assert class_like(pairs([f"text {n % texts}" for n in range(pictures)])) == ClassLike(pictures, texts, found)


def test_plain_words() -> None:
    assert plain("  Uma FOTO, à noite… ") == "uma foto à noite"
    assert plain("!?") == "!?"
