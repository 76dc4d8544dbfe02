"""Short captions are guessed by their words, and by the company that these keep."""

import random
from pathlib import Path

import pytest

from mirante.datasets import open_dataset
from mirante.diagnosis import guess_languages
from mirante.diagnosis.languages import same_language

STAMPS = Path("/usr/share/tuxpaint/stamps")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("a dog on the beach", "en"),
        ("um cachorro na praia", "pt"),
        ("un perro en la calle", "es"),
        ("un chien dans la rue", "fr"),
        ("ein Hund auf der Straße", "de"),
        ("un cane nella strada", "it"),
        ("собака на пляже", "und-Cyrl"),
        ("浜辺の犬", "ja"),
        ("σκύλος", "el"),
        ("Pikachu", ""),
        ("12.5", ""),
        ("", ""),
    ],
)
def test_a_caption_alone(text: str, language: str) -> None:
    assert guess_languages([text]) == [language]


def test_company_tells_what_a_word_alone_does_not() -> None:
    assert guess_languages(["foguetes"]) == [""]
    told = ["dois foguetes no céu", "os foguetes e a lua", "três foguetes à noite", "foguetes"]
    assert guess_languages([*told, "two rockets in the sky", "the rocket"]) == ["pt"] * 4 + ["en"] * 2


def captions(split: str, language: str) -> list[str]:
    return [one.text for item in open_dataset("scenes").items(split, language) for one in item.captions]


@pytest.mark.parametrize(("most", "few"), [("en", "pt-BR"), ("pt-BR", "en")])
def test_a_minority_of_scenes_is_told_from_the_rest(most: str, few: str) -> None:
    texts = [(text, most[:2]) for text in captions("test-200", most)]
    texts += [(text, few[:2]) for text in captions("validation-12", few)]
    random.Random(0).shuffle(texts)
    guesses = guess_languages([text for text, _ in texts])
    right = [guess == language for guess, (_, language) in zip(guesses, texts, strict=True)]
    foreign = [guess == few[:2] for guess, (_, language) in zip(guesses, texts, strict=True) if language != few[:2]]
    assert sum(right) >= 0.99 * len(texts)
    assert not any(foreign)


@pytest.fixture(scope="module")
def stamps() -> dict[str, list[str]]:
    """Language → the captions of Debian's stamps."""
    if not STAMPS.is_dir():
        pytest.skip("needs Debian's tuxpaint-stamps-default")
    told: dict[str, list[str]] = {}
    for file in STAMPS.rglob("*.txt"):
        first, *others = file.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
        told.setdefault("en", []).append(first)
        for line in others:
            tag, _, text = line.partition(".utf8=")
            told.setdefault(tag, []).append(text)
    return told


@pytest.mark.parametrize("language", ["en", "pt_BR", "es", "fr", "de", "it"])
def test_captions_of_stamps(language: str, stamps: dict[str, list[str]]) -> None:
    """Names such as "A letra x." tell little; of those that are guessed, most are guessed rightly."""
    texts = stamps[language]
    guesses = guess_languages(texts)
    assert guesses.count(language[:2]) > 0.8 * len(texts)
    assert guesses.count(language[:2]) + guesses.count("") >= 0.94 * len(texts)


def test_tags_of_one_language() -> None:
    assert same_language("pt-BR", "pt")
    assert not same_language("pt", "es")
