"""Protocols as data: what each one chooses, and how it refuses other data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mirante.datasets import split_at_random
from mirante.errors import DataError, UnknownName, UsageError
from mirante.evaluation import Preset, evaluate_under, load_preset
from mirante.evaluation.presets import names
from mirante.types import Caption, Embeddings, Item, Pairs, Picture, Provenance

MADE = Provenance("toy/one", "r1", "p1")


def picture(name: str) -> Picture:
    return Picture(name, f"content of {name}", lambda: Image.new("RGB", (1, 1)))


def pairs(images: int, captions: int = 1, languages: tuple[str, ...] = ("en",)) -> Pairs:
    """Images i000, i001 …, each with `captions` captions in each language: i000-en-0, i000-en-1 …"""
    pictures = tuple(picture(f"i{at:03}") for at in range(images))
    texts = tuple(
        Caption(f"{one.id}-{language}-{n}", f"{one.id}, number {n}, in {language}", language)
        for one in pictures
        for language in languages
        for n in range(captions)
    )
    return Pairs(pictures, texts, {text.id: frozenset({text.id[:4]}) for text in texts}, "toy:test")


def vectors(data: Pairs) -> tuple[Embeddings, Embeddings]:
    """Every caption lies on its own image's vector."""
    random = np.random.default_rng(0)
    rows = random.standard_normal((len(data.images), 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    images = Embeddings(tuple(one.id for one in data.images), rows, MADE)
    place = {one: at for at, one in enumerate(images.ids)}
    own = rows[[place[caption.id[:4]] for caption in data.captions]]
    return images, Embeddings(tuple(one.id for one in data.captions), own, MADE)


@pytest.mark.parametrize("name", names())
def test_every_preset_says_what_it_is_and_where_from(name: str) -> None:
    preset = load_preset(name)
    assert preset.title
    assert preset.source.endswith((")", "images", "languages", "right", "named", "shared", "language"))


def test_the_published_numbers() -> None:
    known = {name: load_preset(name) for name in names()}
    assert {name: (one.images, one.captions, one.folds, one.first_captions) for name, one in known.items()} == {
        "as-given": (None, None, 1, 0),
        "coco-1k-folds": (5000, 25000, 5, 5),
        "coco-5k": (5000, 25000, 1, 5),
        "crossmodal-3600": (3600, None, 1, 0),
        "flickr30k-1k": (1000, 5000, 1, 0),
        "one-caption": (None, None, 1, 1),
        "random-10-percent": (None, None, 1, 1),
        "shared": (None, None, 1, 0),
        "xtd-10": (1000, 1000, 1, 0),
    }
    assert (known["random-10-percent"].fraction, known["random-10-percent"].seed) == (0.1, 42)
    assert {name for name, one in known.items() if one.languages == "each"} == {"xtd-10", "crossmodal-3600"}
    assert {name for name, one in known.items() if one.equal_captions == "shared"} == {"shared", "one-caption"}


def test_other_numbers_than_the_published_ones_are_refused() -> None:
    with pytest.raises(DataError, match=r"'toy:test' has 999 images in 'en'.*'Flickr30k 1k' means 1000.*'test'"):
        load_preset("flickr30k-1k").parts(pairs(999, 5), "en")
    with pytest.raises(DataError, match="has 4000 captions, the protocol 'Flickr30k 1k' means 5000"):
        load_preset("flickr30k-1k").parts(pairs(1000, 4))
    with pytest.raises(DataError, match="has 1001 images"):
        load_preset("flickr30k-1k").parts(pairs(1001, 5))
    ((language, whole),) = load_preset("flickr30k-1k").parts(pairs(1000, 5), "en")
    assert (language, len(whole.images), len(whole.captions)) == ("en", 1000, 5000)


def test_of_coco_only_five_captions_of_each_image_are_asked() -> None:
    chosen = load_preset("one-caption").choose(pairs(3, 6))
    assert [one.id for one in chosen.captions] == ["i000-en-0", "i001-en-0", "i002-en-0"]
    five = load_preset("coco-5k").choose(pairs(2, 6))
    assert [one.id[-1] for one in five.captions] == list("01234") * 2
    assert set(five.relevance) == {one.id for one in five.captions}


def test_a_caption_of_two_images_is_asked_when_it_is_the_first_of_one() -> None:
    """The second caption of i000 also describes i001, where it comes first; i001's own comes second."""
    data = pairs(2, 2)
    both = {**data.relevance, "i000-en-1": frozenset({"i000", "i001"})}
    chosen = load_preset("one-caption").choose(replace(data, relevance=both))
    assert [one.id for one in chosen.captions] == ["i000-en-0", "i000-en-1"]


def test_ten_percent_are_the_images_of_the_random_split() -> None:
    data = pairs(37, 2)
    items = [Item(one, tuple(c for c in data.captions if c.id[:4] == one.id)) for one in data.images]
    _, held_out = split_at_random(items, 0.1, seed=42)

    chosen = load_preset("random-10-percent").choose(data)

    assert [one.id for one in chosen.images] == [item.picture.id for item in held_out]
    assert [one.id for one in chosen.captions] == [item.captions[0].id for item in held_out]
    assert len(chosen.images) == 4


def test_shared_captions_share_with_those_that_are_not_asked() -> None:
    """The second caption of i001 is the first of i000: i001 carries the text, asked or not."""
    data = pairs(2, 2)
    texts = ("a dog", "a cat", "a bird", "a dog")
    data = replace(data, captions=tuple(replace(c, text=t) for c, t in zip(data.captions, texts, strict=True)))
    chosen = load_preset("one-caption").choose(data)
    assert chosen.relevance == {"i000-en-0": {"i000", "i001"}, "i001-en-0": {"i001"}}
    given = replace(load_preset("one-caption"), equal_captions="as given").choose(data)
    assert given.relevance == {"i000-en-0": {"i000"}, "i001-en-0": {"i001"}}


def test_each_language_is_judged_by_itself_on_the_same_images() -> None:
    data = pairs(6, 2, ("en", "pt", "sw"))
    preset = Preset(title="three", languages="each", images=6, captions=6, first_captions=1)
    images, texts = vectors(preset.choose(data))

    judged = evaluate_under(preset, images, texts, data)

    assert [(one.result.protocol.language, one.result.direction) for one in judged] == [
        (language, direction) for language in ("en", "pt", "sw") for direction in ("text_to_image", "image_to_text")
    ]
    assert {(one.result.protocol.gallery, one.result.protocol.queries) for one in judged} == {(6, 6)}
    assert {query for one in judged[:1] for query in one.ranks.queries} == {f"i{at:03}-en-0" for at in range(6)}


def test_two_kinds_of_one_language_are_two_languages() -> None:
    parts = Preset(languages="each").parts(pairs(2, 1, ("pt", "pt-BR")))
    assert [(tag, [one.id for one in part.captions]) for tag, part in parts] == [
        ("pt", ["i000-pt-0", "i001-pt-0"]),
        ("pt-BR", ["i000-pt-BR-0", "i001-pt-BR-0"]),
    ]


def test_the_conditions_travel_with_the_figures() -> None:
    data = pairs(40, 3)
    preset = replace(load_preset("random-10-percent"), depth=2)
    images, texts = vectors(preset.choose(data))

    protocol = evaluate_under(preset, images, texts, data, language="en")[0].result.protocol

    assert (protocol.first_captions, protocol.fraction, protocol.seed, protocol.folds) == (1, 0.1, 42, 1)
    assert (protocol.gallery, protocol.queries, protocol.depth, protocol.equal_captions) == (4, 4, 2, "as given")
    plain = evaluate_under(Preset(seed=7), *vectors(data), data, language="en")[0].result
    assert (plain.protocol.first_captions, plain.protocol.fraction, plain.protocol.seed) == (0, 1.0, 0)
    assert "preset" not in plain.details


def test_an_unreadable_image_is_left_out_of_its_part_and_counted() -> None:
    data = pairs(6)
    images, texts = vectors(data)
    images = images.select([one for one in images.ids if one != "i004"])
    preset = Preset(folds=2, images=6)
    judged = evaluate_under(preset, images, texts, data, unreadable={"i004": "truncated"})[0]
    assert (judged.result.protocol.dropped, judged.result.protocol.queries, judged.result.protocol.gallery) == (1, 5, 3)


def test_beyond_the_depth_nothing_is_found() -> None:
    """Both captions of an image lie on its vector, so the second one is found at rank 2."""
    data = pairs(5, 2)
    images, texts = vectors(data)
    whole, cut = (evaluate_under(Preset(depth=depth), images, texts, data)[1].result.metrics for depth in (None, 1))
    assert (whole["recall@5"].value, cut["recall@5"].value) == (1.0, 0.5)
    assert (whole["hit_rate@1"].value, cut["hit_rate@1"].value) == (1.0, 1.0)
    assert cut["map"].value == 0.5


def test_a_file_of_ones_own_is_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('title = "Mine"\nimages = 10\nfolds = 2\n')
    assert load_preset(str(path)) == Preset(title="Mine", images=10, folds=2)
    path.write_text("imags = 10\n")
    with pytest.raises(UnknownName, match="Did you mean 'images'"):
        load_preset(str(path))
    path.write_text("fraction = 2.0\n")
    with pytest.raises(UsageError, match=r"fraction = 2\.0 cannot be"):
        load_preset(str(path))
    with pytest.raises(UnknownName, match="Did you mean 'coco-5k'"):
        load_preset("coco-5000")
