"""Captions of scenes read back by the grammar, and judged by what they say."""

import numpy as np
import pytest

from mirante.captioning.naming import named, verdict
from mirante.datasets.scenes import SceneDataset, claims, grammar
from mirante.datasets.scenes.claims import Claim, Group
from mirante.datasets.scenes.grammar import Wording, say
from mirante.datasets.scenes.parsing import read
from mirante.datasets.scenes.world import Scene, Thing, sample

WORDINGS = [
    Wording(variant, first, turned) for variant in (0, 1) for first in (False, True) for turned in (False, True)
]


@pytest.mark.parametrize("language", grammar.LANGUAGES)
def test_the_parser_reads_whatever_the_grammar_says(language):
    rng = np.random.default_rng(0)
    for _ in range(150):
        scene = sample(rng)
        for claim in (claims.full(scene), claims.partial(scene, rng)):
            for words in WORDINGS:
                text = say(claim, language, words)
                assert read(text, language) in (claim, claims.turned(claim)), text


@pytest.mark.parametrize(
    "text",
    ["", "um gato azuis", "gato um preto", "um gato no no mar", "um gato à esquerda de", "um gato preto e", "a cat"],
)
def test_what_the_grammar_does_not_say_is_not_read(text):
    assert read(text, "pt-BR") is None


def test_a_capital_a_full_stop_and_spaces_do_not_matter():
    assert read(" Dois  gatos pretos no mar. ", "pt-BR") == Claim((Group("cat", "black", count=2),), None, "sea")


def things(*looks, size="small", pattern="plain"):
    return tuple(Thing(kind, colour, size, pattern, 0.5, 0.5, 0.3) for kind, colour in looks)


TWO_CATS = Scene(things(("cat", "black"), ("cat", "black")), "sea", "flat", 0)
PAIR = Scene(things(("cat", "black"), ("bird", "red")), "sea", "flat", 0, "left")


@pytest.mark.parametrize(
    ("scene", "text", "right"),
    [
        (TWO_CATS, "dois pequenos gatos pretos no mar", {"objects", "colours", "counts", "named", "all"}),
        (TWO_CATS, "dois grandes gatos pretos na neve", {"objects", "colours", "counts", "named"}),
        (TWO_CATS, "três pequenos gatos pretos no mar", {"objects", "colours"}),
        (TWO_CATS, "dois pequenos gatos brancos no mar", {"objects", "counts"}),
        (TWO_CATS, "dois pequenos peixes pretos no mar", set()),
        (TWO_CATS, "gatos pretos no mar", {"objects", "colours"}),
        (
            PAIR,
            "um pequeno pássaro vermelho à direita de um pequeno gato preto no mar",
            {"objects", "colours", "counts", "named", "all"},
        ),
        (
            PAIR,
            "um pequeno pássaro vermelho à esquerda de um pequeno gato preto no mar",
            {"objects", "colours", "counts", "named"},
        ),
        (PAIR, "um pequeno pássaro preto à direita de um pequeno gato vermelho no mar", {"objects", "counts"}),
        (PAIR, "um pequeno gato preto no mar", set()),
    ],
)
def test_what_a_caption_gets_right(scene, text, right):
    claim = read(text, "pt-BR")
    assert {aspect for aspect, holds in verdict(claim, scene).items() if holds} == right


def test_captions_that_cannot_be_read_count_as_wrong():
    scenes = {"a": TWO_CATS, "b": PAIR, "c": TWO_CATS}
    captions = {"a": "dois pequenos gatos pretos no mar", "b": "bla bla", "x": "um gato"}
    found = named(captions, scenes, "pt-BR")
    assert (found.captions, found.unread, found.right["named"], found.share("named")) == (2, 1, 1, 0.5)


def test_the_data_sets_own_captions_are_all_right():
    data = SceneDataset()
    scenes = {f"test-{at:07d}": scene for at, scene in enumerate(data.scenes("test-60"))}
    told = {item.picture.id: item.captions[0].text for item in data.items("test-60", "pt-BR")}
    found = named(told, scenes, "pt-BR")
    assert {found.share(aspect) for aspect in found.right} == {1.0}
