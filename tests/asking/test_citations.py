"""Brackets in a stream of pieces: citations stay, whatever pieces they are cut into; everything else is dropped."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirante.asking.citations import Citations

KNOWN = {"7": "7", "a, b.png": "a, b.png", "x (1)": "x [1]"}


def checked(*pieces):
    citations = Citations(KNOWN)
    return "".join(citations.checked(iter(pieces))), citations.cited, citations.dropped


@pytest.mark.parametrize(
    ("text", "said", "cited", "dropped"),
    [
        ("a dog [7].", "a dog [7].", ["7"], []),
        ("a dog [7][7].", "a dog [7][7].", ["7"], []),
        ("a dog [a, b.png]", "a dog [a, b.png]", ["a, b.png"], []),
        ("a dog [x (1)]", "a dog [x (1)]", ["x [1]"], []),
        ("a dog [7, x (1)]", "a dog [7][x (1)]", ["7", "x [1]"], []),
        ("a dog [id=7] [item 7] [ID: 7]", "a dog [7] [7] [7]", ["7"], []),
        ("a dog [8].", "a dog.", [], ["8"]),
        ("a dog [7; 8]!", "a dog [7]!", ["7"], ["8"]),
        ("a dog [ 7 ]", "a dog [7]", ["7"], []),
        ("a dog []", "a dog", [], [""]),
        ("[[7]]", "[[7]]", ["7"], []),
        ("[see [7] and [8]]", "[see [7] and]", ["7"], ["8"]),
        ("array[", "array[", [], []),
        ("open [ and\nclosed ]", "open [ and\nclosed ]", [], []),
        ("long [" + "y" * 300 + "]", "long [" + "y" * 300 + "]", [], []),
        ("ends in space ", "ends in space ", [], []),
        ("", "", [], []),
    ],
)
def test_brackets(text, said, cited, dropped):
    assert checked(text) == (said, cited, dropped)


@settings(deadline=None)
@given(st.lists(st.text(alphabet="a 7[],;8\n", max_size=8), max_size=8))
def test_how_the_text_is_cut_changes_nothing(pieces):
    assert checked(*pieces) == checked("".join(pieces))


def test_an_open_bracket_holds_back_no_more_than_citations_are_long():
    citations = Citations({"7": "7"})
    pieces = iter(citations.checked(iter(["a [" + "y" * 50, "y" * 100, "end"])))
    assert next(pieces) == "a"
    assert next(pieces) == " [" + "y" * 150
    assert next(pieces) == "end"
