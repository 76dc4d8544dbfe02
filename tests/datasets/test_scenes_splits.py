"""The data set `scenes`: its splits, sizes and languages, and who is relevant to whom."""

import hashlib
import os
import pickle
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
from scenes_read import read, true_of

from mirante.datasets.scenes import SIZES, SceneDataset, accepts
from mirante.datasets.scenes.claims import full
from mirante.datasets.scenes.grammar import say
from mirante.datasets.scenes.world import SWAPS, TRAINING_STYLES, swap
from mirante.errors import UnknownName

DATA = SceneDataset()
CHALK = ("chalk", "chalk-train", "chalk-validation")
MINIMAL = ("hard", "hard-train", "hard-validation")
SPLITS = ("train", "validation", "test", "mosaic", *MINIMAL, *CHALK)
KNOWN_SIZES = {"train": 10_000, "chalk-train": 4_000, "chalk-validation": 500, "hard-train": 8_000}

DIGEST = """
import hashlib
from mirante.datasets.scenes import SceneDataset
digest = hashlib.sha256()
for split in SceneDataset().splits:
    for item in SceneDataset().items(f"{split}-20"):
        digest.update(repr((item.picture.id, item.picture.content, item.captions)).encode())
print(digest.hexdigest())
"""


def first(split, count):
    return list(islice(DATA.scenes(split), count))


def test_it_is_opened_by_its_name_alone():
    assert accepts("scenes")
    assert not accepts("scenes2")
    assert (DATA.name, DATA.splits) == ("scenes", SPLITS)
    assert DATA.columns == {"image": "picture", "text": "captions"}


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_has_its_own_size_unless_told(split):
    assert SIZES[split] == KNOWN_SIZES.get(split, 1_000)
    assert len(list(DATA.scenes(f"{split}-7"))) == 7
    assert len(list(DATA.scenes(f"{split}-0"))) == 0


def test_a_named_split_ends_at_its_size():
    assert len(list(DATA.scenes("test"))) == 1_000


def test_a_million_scenes_cost_nothing_until_they_are_asked_for():
    assert len(first("train-1000000", 3)) == 3


@pytest.mark.parametrize("split", SPLITS)
def test_a_larger_split_begins_with_the_smaller_one(split):
    assert list(DATA.scenes(f"{split}-5")) == first(f"{split}-50", 5) == first(split, 5)


@pytest.mark.parametrize("split", ["", "dev", "train-x", "train--5", "Test", "test-1e3", "chalk-test", "-5"])
def test_an_unknown_split_is_refused(split):
    with pytest.raises(UnknownName, match="split of scenes"):
        first(split, 1)


def test_the_nearest_split_is_suggested():
    with pytest.raises(UnknownName, match="Did you mean 'validation'"):
        first("validaton", 1)


def test_splits_are_the_same_in_every_process():
    here = hashlib.sha256()
    for split in SPLITS:
        for item in DATA.items(f"{split}-20"):
            here.update(repr((item.picture.id, item.picture.content, item.captions)).encode())
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    there = subprocess.run(
        [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True, timeout=250
    )
    assert there.stdout.strip() == here.hexdigest()


def test_pictures_and_captions_that_models_were_trained_and_judged_on_stay_as_they_are():
    """A change of one byte makes every published figure of `scenes` another data set's: raise `revision` instead."""
    digest = hashlib.sha256()
    for item in DATA.items("test-5"):
        told = [(caption.id, caption.text, caption.language) for caption in item.captions]
        digest.update(np.asarray(item.picture.load()).tobytes())
        digest.update(repr((item.picture.id, item.picture.content, told)).encode())
    assert DATA.revision == "scenes-2"
    assert digest.hexdigest() == "97a15a261ac77de7808a6e3224811ea9240d05b4af72ba6afd948fd84fd93cd5"


def test_no_scene_and_no_seed_is_in_two_splits():
    scenes = {split: first(split, 200) for split in SPLITS}
    contents = {split: {scene.content for scene in scenes[split]} for split in SPLITS}
    seeds = {split: {scene.seed for scene in scenes[split]} for split in SPLITS}
    for at, split in enumerate(SPLITS):
        assert len(contents[split]) == 200
        for other in SPLITS[at + 1 :]:
            assert not contents[split] & contents[other]
            assert not seeds[split] & seeds[other]


def test_a_held_out_style_is_shown_by_the_splits_of_its_name_alone():
    assert {scene.style for scene in first("mosaic", 100)} == {"mosaic"}
    for split in CHALK:
        assert {scene.style for scene in first(split, 100)} == {"chalk"}
    for split in ("train", "validation", "test", *MINIMAL):
        assert {scene.style for scene in first(split, 100)} == set(TRAINING_STYLES)


@pytest.mark.parametrize("split", MINIMAL)
def test_a_hard_split_is_pairs_of_neighbours_that_differ_by_one_exchange(split):
    scenes = first(split, 80)
    for number, (one, other) in enumerate(zip(scenes[::2], scenes[1::2], strict=True)):
        assert swap(one, SWAPS[number % 4]) == other
        assert full(one) != full(other)


def test_every_item_has_a_full_caption_first_then_partial_ones():
    for scene, item in zip(DATA.scenes("test-40"), DATA.items("test-40", "en"), strict=True):
        texts = [caption.text for caption in item.captions]
        assert texts[0] == say(full(scene), "en")
        assert len(set(texts)) == len(texts) in (1, 2, 3)


@pytest.mark.parametrize("split", ["hard", "hard-validation"])
def test_an_item_of_a_hard_split_has_its_full_caption_alone(split):
    """So that each caption tells a picture from its partner."""
    pairs = DATA.pairs(f"{split}-20", "en")
    assert [caption.text for caption in pairs.captions] == [say(full(scene), "en") for scene in first(split, 20)]
    assert [pairs.relevance[caption.id] for caption in pairs.captions] == [{image.id} for image in pairs.images]


def test_ids_name_split_row_language_and_caption():
    second = list(DATA.items("test-2"))[1]
    assert second.picture.id == "test-0000001"
    ids = [caption.id for caption in second.captions]
    assert ids[0] == "test-0000001#en0"
    assert ids[len(ids) // 2] == "test-0000001#pt-BR0"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("en", {"en"}),
        ("en_US", {"en"}),
        ("pt", {"pt-BR"}),
        ("pt_BR", {"pt-BR"}),
        ("pt-BR", {"pt-BR"}),
        ("PT-br", {"pt-BR"}),
        (None, {"en", "pt-BR"}),
    ],
)
def test_captions_come_in_the_language_asked_for(asked, given):
    captions = [caption for item in DATA.items("test-5", asked) for caption in item.captions]
    assert {caption.language for caption in captions} == given


@pytest.mark.parametrize("language", ["de", "fr_FR", "xx"])
def test_a_language_that_it_does_not_speak_is_refused(language):
    with pytest.raises(UnknownName, match="language of scenes") as refused:
        list(DATA.items("test-1", language))
    assert refused.value.valid == ("en", "pt-BR")


def test_both_languages_say_the_same():
    for item in DATA.items("test-30"):
        half = len(item.captions) // 2
        english, portuguese = item.captions[:half], item.captions[half:]
        for one, other in zip(english, portuguese, strict=True):
            assert read(one.text, "en") == read(other.text, "pt-BR")


@pytest.mark.parametrize("split", ["test-60", "hard-40"])
def test_relevance_is_every_picture_that_a_caption_is_true_of(split):
    """Each caption is read back from its words and decided by plain loops."""
    pairs, scenes = DATA.pairs(split), list(DATA.scenes(split))
    ids = [image.id for image in pairs.images]
    assert [image.content for image in pairs.images] == [scene.content for scene in scenes]
    for caption in pairs.captions:
        claim = read(caption.text, caption.language)
        true = {one for one, scene in zip(ids, scenes, strict=True) if true_of(claim, scene)}
        assert pairs.relevance[caption.id] == true
        assert caption.id.partition("#")[0] in true


def test_some_captions_are_true_of_several_pictures():
    pairs = DATA.pairs("test-60", "en")
    sizes = [len(images) for images in pairs.relevance.values()]
    assert min(sizes) == 1
    assert max(sizes) > 3


def test_equal_captions_have_equal_positives():
    pairs = DATA.pairs("test-200", "pt")
    assert pairs.sharing_equal_captions().relevance == pairs.relevance


def test_a_limit_takes_the_first_pictures_and_judges_among_them_only():
    limited, small = DATA.pairs("test", "en", limit=12), DATA.pairs("test-12", "en")
    assert limited.relevance == small.relevance
    assert limited.images == small.images
    assert (limited.name, small.name) == ("scenes:test", "scenes:test-12")


def test_a_picture_tells_what_it_shows():
    for scene, item in zip(DATA.scenes("test-20"), DATA.items("test-20", "en"), strict=True):
        assert item.picture.metadata == {
            "background": scene.background,
            "style": scene.style,
            "kind": scene.things[0].kind,
            "colour": scene.things[0].colour,
            "count": 1 if scene.relation else len(scene.things),
        }


def test_a_picture_survives_pickling_and_draws_the_same():
    picture = next(DATA.items("test-1")).picture
    again = pickle.loads(pickle.dumps(picture))
    assert again == picture
    assert again.load().size == (128, 128)
    assert np.array_equal(np.asarray(again.load()), np.asarray(picture.load()))
