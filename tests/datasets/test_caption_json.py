"""COCO captions and Karpathy's JSON: ids, splits, image roots, damage."""

import json

import pytest

from mirante.datasets import ReadOptions, open_dataset
from mirante.datasets._example import samples
from mirante.errors import DataError, UsageError

DISCS = samples()
COCO = {
    "images": [
        {"id": 7, "file_name": "disc_0.png", "height": 24},
        {"id": 9, "file_name": "disc_1.png", "height": 26},
    ],
    "annotations": [
        {"id": 1, "image_id": 9, "caption": "a green disc"},
        {"id": 2, "image_id": 7, "caption": "a red disc"},
        {"id": 3, "image_id": 9, "caption": "um disco verde\n"},
    ],
}


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return str(path)


def pictures(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for one in DISCS:
        (folder / one.name).write_bytes(one.data)


def read(dataset, split):
    return {item.picture.id: [c.text for c in item.captions] for item in dataset.items(split)}


def test_coco_captions_in_the_usual_layout(tmp_path):
    pictures(tmp_path / "val2017")
    dataset = open_dataset(write(tmp_path / "annotations/captions_val2017.json", COCO))
    assert dataset.splits == ("val",)
    assert read(dataset, "val") == {"7": ["a red disc"], "9": ["a green disc", "um disco verde"]}
    first = next(dataset.items("val")).picture
    assert (first.load().width, first.metadata) == (DISCS[0].size, {"height": 24})


def test_karpathy_names_split_and_sentences(tmp_path):
    pictures(tmp_path / "images")
    images = [
        {"filename": "disc_0.png", "split": "train", "imgid": 0, "sentences": [{"raw": "a red disc"}, {"raw": " "}]},
        {"filename": "disc_1.png", "split": "test", "imgid": 1, "sentences": [{"raw": "a green disc"}]},
    ]
    dataset = open_dataset(write(tmp_path / "dataset_flickr8k.json", {"images": images, "dataset": "flickr8k"}))
    assert dataset.splits == ("train", "test")
    assert read(dataset, "train") == {"disc_0.png": ["a red disc"]}
    assert read(dataset, "test") == {"disc_1.png": ["a green disc"]}


def test_karpathys_coco_has_its_own_ids_and_folders(tmp_path):
    pictures(tmp_path / "val2014")
    one = {
        "filename": "disc_2.png",
        "filepath": "val2014",
        "cocoid": 42,
        "split": "val",
        "sentences": [{"raw": "blue"}],
    }
    dataset = open_dataset(write(tmp_path / "dataset_coco.json", {"images": [one]}))
    assert read(dataset, "val") == {"42": ["blue"]}
    assert next(dataset.items("val")).picture.load().width == DISCS[2].size


def test_the_image_root_is_given_where_it_cannot_be_found(tmp_path):
    pictures(tmp_path / "far/away")
    address = write(tmp_path / "deep/annotations/captions_val2017.json", COCO)
    with pytest.raises(UsageError, match="--image-root"):
        open_dataset(address)
    dataset = open_dataset(address, ReadOptions(image_root=str(tmp_path / "far/away")))
    assert next(dataset.items("val")).picture.load().width == DISCS[0].size
    with pytest.raises(UsageError, match="nowhere"):
        open_dataset(address, ReadOptions(image_root="nowhere"))


@pytest.mark.parametrize(
    "data",
    [
        {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1, "bbox": [0, 0, 1, 1]}]},
        {"images": []},
        {"something": "else"},
        {"images": [{"filename": "a.png"}]},
    ],
)
def test_other_json_is_refused_by_name(tmp_path, data):
    with pytest.raises(DataError, match=r"x\.json"):
        open_dataset(write(tmp_path / "x.json", data))
