"""What every kind of data set promises, run for each file in `mirante.datasets` on its own example."""

import pickle

import pytest

from mirante import registry
from mirante.datasets import ReadOptions, open_dataset, read_pairs, split_of
from mirante.errors import UnknownName

KINDS = registry.names("mirante.datasets")


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def address(kind, tmp_path):
    return registry.load("mirante.datasets", kind).example(tmp_path)


@pytest.fixture
def base(address):
    return split_of(address)[0]


def firsts(dataset, split, count=6):
    return [item for item, _ in zip(dataset.items(split), range(count), strict=False)]


def test_only_its_own_kind_accepts_the_example(kind, base):
    assert [one for one in KINDS if registry.load("mirante.datasets", one).accepts(base)] == [kind]


def test_it_says_what_it_is(address, base):
    dataset = open_dataset(address)
    assert dataset.name == base
    assert dataset.revision
    assert dataset.splits
    assert {"image", "text"} <= set(dataset.columns)


def test_every_split_has_captioned_pictures_that_load(address):
    dataset = open_dataset(address)
    for split in dataset.splits:
        items = firsts(dataset, split)
        assert items
        for item in items:
            assert item.picture.load().mode == "RGB"
            assert item.picture.content
            ids = [caption.id for caption in item.captions]
            assert len(set(ids)) == len(ids)
            assert all(one.startswith(f"{item.picture.id}#") for one in ids)
            assert all(caption.text.strip() == caption.text != "" for caption in item.captions)


def test_reading_again_gives_the_same(address):
    one, other = open_dataset(address), open_dataset(address)
    assert one.revision == other.revision
    for split in one.splits:
        assert firsts(one, split) == firsts(other, split) == firsts(one, split)


def test_ids_are_unique_over_all_splits_and_make_pairs(address):
    dataset = open_dataset(address)
    items = [item for split in dataset.splits for item in firsts(dataset, split)]
    assert len({item.picture.id for item in items}) == len(items)


def test_a_split_can_stand_in_the_address(base):
    split = open_dataset(base).splits[-1]
    dataset = open_dataset(f"{base}:{split}")
    assert (dataset.name, dataset.splits) == (base, (split,))
    assert firsts(dataset, split)


def test_an_unknown_split_is_refused_with_the_valid_ones(base):
    with pytest.raises(UnknownName) as caught:
        open_dataset(f"{base}:nowhere")
    assert set(open_dataset(base).splits) == set(caught.value.valid)
    with pytest.raises(UnknownName):
        list(open_dataset(base).items("nowhere"))


def test_a_language_can_be_asked_for(address):
    """Captions without a tag get the wanted one; of tagged ones only those in it are left."""
    plain = open_dataset(address)
    spoken = {caption.language for item in firsts(plain, plain.splits[0]) for caption in item.captions}
    wanted = max(spoken - {""}, default="pt-BR")
    for dataset in (open_dataset(address), open_dataset(address, ReadOptions(language=wanted.replace("-", "_")))):
        items = zip(dataset.items(dataset.splits[0], wanted.replace("-", "_")), range(6), strict=False)
        languages = {caption.language for item, _ in items for caption in item.captions}
        assert languages == {wanted}


def test_tagged_captions_never_pass_for_another_language(address):
    dataset = open_dataset(address)
    tags = {caption.language for item in firsts(dataset, dataset.splits[0]) for caption in item.captions}
    if "" in tags or dataset.name == "scenes":  # which refuses what it does not speak
        return
    items = [item for item, _ in zip(dataset.items(dataset.splits[0], "eo"), range(6), strict=False)]
    assert [item.captions for item in items] == [()] * len(items)


def test_loading_travels_to_another_process(address):
    dataset = open_dataset(address)
    picture = firsts(dataset, dataset.splits[0])[0].picture
    assert pickle.loads(pickle.dumps(picture.load))().tobytes() == picture.load().tobytes()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "scenes"])
def test_the_six_examples_become_pairs(address):
    pairs = read_pairs(open_dataset(address))
    assert len(pairs.images) == 6
    assert pairs.name.startswith(f"{address}:")
    assert len(read_pairs(open_dataset(address), limit=2).images) == 2


def test_exact_relevance_of_a_data_set_is_used():
    test = read_pairs(open_dataset("scenes:test-50"), language="en")
    assert len(test.images) == 50
    assert max(len(images) for images in test.relevance.values()) > 1
