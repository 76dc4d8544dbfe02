"""WebDataset shards: members gathered into samples, languages, missing pictures, damaged tars."""

import io
import tarfile

import pytest

from mirante.datasets import open_dataset
from mirante.datasets._example import samples
from mirante.errors import DataError, UnreadableImage, UsageError

DISCS = samples()


def shard(path, members, mode="w"):
    with tarfile.open(path, mode) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return str(path)


def test_members_with_one_name_are_one_sample(tmp_path):
    address = shard(
        tmp_path / "a.tar",
        [
            ("in/0001.png", DISCS[0].data),
            ("in/0001.txt", b"um disco\nvermelho"),
            ("in/0002.json", b'{"caption": "a green disc", "year": 1928, "tags": ["x"]}'),
            ("in/0002.PNG", DISCS[1].data),
            ("in/0002.cls", b"3"),
        ],
    )
    one, two = open_dataset(address).items("all")
    assert (one.picture.id, two.picture.id) == ("in/0001", "in/0002")
    assert [caption.text for caption in one.captions] == ["um disco", "vermelho"]
    assert [caption.text for caption in two.captions] == ["a green disc"]
    assert two.picture.metadata == {"year": 1928, "class": "3"}
    assert [item.picture.load().width for item in (one, two)] == [DISCS[0].size, DISCS[1].size]


def test_a_sample_without_a_picture_keeps_its_place(tmp_path):
    address = shard(tmp_path / "a.tar", [("1.txt", b"lost"), ("2.png", DISCS[0].data), ("2.txt", b"here")])
    lost, here = open_dataset(address).items("all")
    assert (lost.captions[0].text, here.captions[0].text) == ("lost", "here")
    with pytest.raises(UnreadableImage) as caught:
        lost.picture.load()
    assert caught.value.reason == "missing"
    assert here.picture.load().width == DISCS[0].size


def test_shards_are_found_by_braces_by_star_and_by_folder_with_their_splits(tmp_path):
    for number, name in enumerate(["train-000", "train-001", "test-000"]):
        shard(tmp_path / f"{name}.tar", [("0.png", DISCS[number].data), ("0.txt", DISCS[number].english.encode())])
    for address in (str(tmp_path), f"{tmp_path}/*.tar", f"{tmp_path}/{{train,test}}-00*.tar"):
        dataset = open_dataset(address)
        assert dataset.splits == ("train", "test")
        assert [item.picture.id for item in dataset.items("train")] == ["train-000/0", "train-001/0"]
    assert open_dataset(f"{tmp_path}/train-{{000..001}}.tar").splits == ("train",)
    with pytest.raises(UsageError, match=r"train-002\.tar"):
        open_dataset(f"{tmp_path}/train-{{000..002}}.tar")


def test_compressed_and_damaged_shards_are_named(tmp_path):
    members = [(f"{n}.png", one.data) for n, one in enumerate(DISCS)]
    packed = shard(tmp_path / "packed.tar", members, "w:gz")
    whole = shard(tmp_path / "whole.tar", members)
    (tmp_path / "cut.tar").write_bytes((tmp_path / "whole.tar").read_bytes()[:1200])
    assert len(list(open_dataset(whole).items("all"))) == 6
    for address in (packed, str(tmp_path / "cut.tar")):
        with pytest.raises(DataError, match=address):
            list(open_dataset(address).items("all"))
