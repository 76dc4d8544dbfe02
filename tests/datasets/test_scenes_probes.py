"""The questions asked of a model: one right answer each, nothing else changed, never the same scene as training."""

import numpy as np
import pytest
from scenes_read import read, true_of

from mirante.datasets.scenes import SceneDataset
from mirante.datasets.scenes.claims import full
from mirante.datasets.scenes.grammar import say
from mirante.datasets.scenes.probes import ATTRIBUTES, choices, free_queries, minimal_pairs
from mirante.datasets.scenes.world import SWAPS, swap
from mirante.errors import UnknownName

OPTIONS = {"object": 20, "colour": 10, "count": 4, "size": 2, "relation": 4, "background": 8}


def test_there_is_a_probe_of_each_attribute():
    assert set(ATTRIBUTES) == set(OPTIONS)


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize(("attribute", "options"), OPTIONS.items())
def test_of_all_texts_the_first_alone_is_true(attribute, options, language):
    for question in choices(attribute, language, count=40):
        assert len(set(question.texts)) == options
        true = [true_of(read(text, language), question.scene) for text in question.texts]
        assert true == [True] + [False] * (options - 1)


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("object", lambda g: g.kind),
        ("colour", lambda g: g.colour),
        ("count", lambda g: g.count),
        ("size", lambda g: g.size),
    ],
)
def test_the_texts_of_a_choice_differ_in_that_attribute_only(attribute, said):
    for question in choices(attribute, count=20):
        told = [read(text, "en") for text in question.texts]
        values = [said(claim.groups[0]) for claim in told]
        assert len(set(values)) == len(values)
        for other in ("kind", "colour", "count", "size", "pattern"):
            if other != attribute.replace("object", "kind"):
                assert len({getattr(claim.groups[0], other) for claim in told}) == 1
        assert {(claim.relation, claim.background) for claim in told} == {(None, None)}


@pytest.mark.parametrize("attribute", ["relation", "background"])
def test_relations_and_backgrounds_are_asked_of_the_same_things(attribute):
    for question in choices(attribute, count=20):
        told = [read(text, "en") for text in question.texts]
        assert len({claim.groups for claim in told}) == 1
        assert len({getattr(claim, attribute) for claim in told}) == OPTIONS[attribute]


def test_a_probe_has_as_many_questions_as_asked_each_of_its_own_scene():
    found = choices("colour", count=60)
    assert len(found) == 60
    assert len({question.scene.content for question in found}) == 60
    assert choices("colour", count=10) == found[:10]


def test_an_unknown_attribute_is_refused():
    with pytest.raises(UnknownName, match="Did you mean 'colour'"):
        choices("color")


@pytest.mark.parametrize("what", SWAPS)
def test_minimal_pairs_are_one_exchange_apart_and_each_text_fits_one_picture(what):
    for pair in minimal_pairs(what, count=30):
        one, other = pair.scenes
        assert swap(one, what) == other
        assert pair.texts == (say(full(one)), say(full(other)))
        claims = [read(text, "en") for text in pair.texts]
        assert [[true_of(claim, scene) for scene in pair.scenes] for claim in claims] == [[True, False], [False, True]]


def test_minimal_pairs_are_as_many_as_asked_and_in_the_language_asked():
    pairs = minimal_pairs("side", "pt-BR", count=7)
    texts = [text for pair in pairs for text in pair.texts]
    assert len(pairs) == 7
    assert all(any(side in text for side in ("esquerda", "direita", "cima", "baixo")) for text in texts)


@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_free_queries_know_every_picture_that_they_are_true_of(language):
    gallery = list(SceneDataset().scenes("test-150"))
    queries = free_queries(gallery, language, least=2)
    assert len(queries) > 5
    for query in queries:
        claim = read(query.text, language)
        assert query.relevant == {row for row, scene in enumerate(gallery) if true_of(claim, scene)}
        assert len(query.relevant) >= 2


def test_free_queries_that_too_few_pictures_answer_are_not_asked():
    gallery = list(SceneDataset().scenes("test-150"))
    texts = {least: {query.text for query in free_queries(gallery, least=least)} for least in (1, 2)}
    assert texts[2] < texts[1]


def test_a_person_would_type_such_queries():
    texts = {query.text for query in free_queries(list(SceneDataset().scenes("test-400")), least=1)}
    assert {"a yellow star", "two red fish", "three black moons", "a red cat in the snow"} & texts
    assert len(texts) > 100


def test_no_scene_of_a_probe_is_in_a_split():
    asked = {question.scene.content for attribute in ATTRIBUTES for question in choices(attribute, count=50)}
    asked |= {scene.content for what in SWAPS for pair in minimal_pairs(what, count=20) for scene in pair.scenes}
    for split in ("train-500", "validation-200", "test-200", "hard-200"):
        assert not asked & {scene.content for scene in SceneDataset().scenes(split)}


def test_the_same_questions_are_asked_every_time():
    assert choices("size", count=5) == choices("size", count=5)
    assert minimal_pairs("kind", count=5) == minimal_pairs("kind", count=5)
    assert np.unique([len(question.texts) for question in choices("count", count=9)]).tolist() == [4]


def test_minimal_pairs_of_hard_are_questions_in_each_language():
    dataset = SceneDataset()
    asked = list(dataset.contrasts("hard-8", "pt"))
    assert [one.kind for one in asked] == list(SWAPS)
    items = {item.picture.id: item for item in dataset.items("hard-8", "pt")}
    for one in asked:
        assert [picture.content for picture in one.images] == [items[p.id].picture.content for p in one.images]
        assert [text.text for text in one.texts] == [items[p.id].captions[0].text for p in one.images]
        assert one.texts[0].text != one.texts[1].text
    assert len(list(dataset.contrasts("hard-8"))) == 2 * len(asked)
    assert len({one.id for one in dataset.contrasts("hard-8")}) == 8
    assert list(dataset.contrasts("test-8")) == []
