"""What `embed` promises of a whole run: everything by id, nothing twice, nothing shifted, memory that does not grow."""

import json
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from embedding_stand_ins import SMALL, Counting, Tiles

from mirante.embeddings import Settings, embed, embed_pairs, open_store
from mirante.errors import DataError, ModelError, ModelMismatch, UnknownName, UsageError
from mirante.progress import listening
from mirante.types import Pairs


def rows(embeddings):
    return dict(zip(embeddings.ids, embeddings.vectors, strict=True))


def test_every_readable_image_and_every_caption_has_its_row_by_id(tmp_path):
    report = embed(Tiles([10, -1, 30]), Counting(), tmp_path, SMALL)

    images, texts = open_store(tmp_path).load("images"), open_store(tmp_path).load("texts")
    assert images.ids == ("tile-0", "tile-2")
    assert texts.ids == ("tile-0#0", "tile-0#1", "tile-1#0", "tile-1#1", "tile-2#0", "tile-2#1")
    assert images.vectors.shape == (2, 4)
    assert np.allclose(np.linalg.norm(images.vectors, axis=1), 1)
    expected = Counting().encode_images([next(iter(Tiles([30]).items("test"))).picture.load()])[0]
    assert np.allclose(rows(images)["tile-2"], expected, atol=1e-5)
    assert (images.provenance.model, images.provenance.revision) == ("counting", "r1")
    document = report.to_dict()
    assert document.pop("seconds") > 0
    assert document.pop("rate") > 0
    assert document == {
        "schema": 1,
        "images": {"embedded": 2, "reused": 0, "unreadable": 1},
        "texts": {"embedded": 6, "reused": 0},
        "unreadable": [{"id": "tile-1", "reason": "truncated"}],
        "out": str(tmp_path),
    }
    assert json.dumps(document)


def test_equal_content_is_encoded_once_and_both_ids_have_the_row(tmp_path):
    encoder = Counting()
    report = embed(Tiles([5, 6, 5, 5, 6]), encoder, tmp_path, Settings(batch=2, shard=2))

    assert encoder.pictures == {5: 1, 6: 1}
    assert encoder.words == {"a 5": 1, "b 5": 1, "a 6": 1, "b 6": 1}
    assert report.images == {"embedded": 2, "reused": 3, "unreadable": 0}
    assert report.texts == {"embedded": 4, "reused": 6}
    found = rows(open_store(tmp_path).load("images"))
    assert np.array_equal(found["tile-0"], found["tile-3"])
    assert not np.array_equal(found["tile-0"], found["tile-1"])


def test_the_same_call_again_encodes_nothing_and_changes_no_byte(tmp_path):
    embed(Tiles(range(40)), Counting(), tmp_path, SMALL)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    encoder = Counting()
    report = embed(Tiles(range(40)), encoder, tmp_path, SMALL)

    assert not encoder.pictures
    assert not encoder.words
    assert report.images == {"embedded": 0, "reused": 40, "unreadable": 0}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_data_set_in_the_folder_encodes_only_what_is_new(tmp_path):
    embed(Tiles([1, 2, 3], "first-", "first"), Counting(), tmp_path, SMALL)
    encoder = Counting()
    report = embed(Tiles([3, 4, -1], "second-", "second"), encoder, tmp_path, SMALL)

    assert encoder.pictures == {4: 1}
    assert report.images == {"embedded": 1, "reused": 1, "unreadable": 1}
    store = open_store(tmp_path)
    assert store.load("images").ids == ("first-0", "first-1", "first-2", "second-0", "second-1")
    assert store.load("images", data="second").ids == ("second-0", "second-1")
    assert np.array_equal(store.images(["second-0"]).vectors, store.images(["first-2"]).vectors)
    assert [one["data"] for one in json.loads((tmp_path / "manifest.json").read_text())["data"]] == ["first", "second"]


def test_without_the_cache_everything_is_encoded_anew_and_shared_with_nobody(tmp_path):
    own, encoder = Settings(batch=4, shard=16, cache=False), Counting()
    embed(Tiles([1, 2], "first-", "first"), encoder, tmp_path, SMALL)
    embed(Tiles([2, 3], "second-", "second"), encoder, tmp_path, own)
    assert encoder.pictures == {1: 1, 2: 2, 3: 1}

    embed(Tiles([2, 3], "second-", "second"), encoder, tmp_path, own)
    assert encoder.pictures == {1: 1, 2: 3, 3: 2}

    embed(Tiles([3], "third-", "third"), encoder, tmp_path, SMALL)
    assert encoder.pictures == {1: 1, 2: 3, 3: 3}
    assert open_store(tmp_path).load("images").ids == ("first-0", "first-1", "second-0", "second-1", "third-0")

    embed(Tiles([2, 3], "second-", "second"), encoder, tmp_path, SMALL)
    assert encoder.pictures == {1: 1, 2: 3, 3: 3}
    assert len(list(tmp_path.glob("*.safetensors"))) == 4  # the shared shards of first and third: images and texts


def test_limit_stops_after_so_many_images_and_a_later_call_goes_on(tmp_path):
    encoder = Counting()
    report = embed(Tiles(range(50)), encoder, tmp_path, Settings(batch=4, shard=16, limit=10))
    assert report.images["embedded"] == 10
    assert report.texts["embedded"] == 20
    assert len(open_store(tmp_path).load("images").ids) == 10

    report = embed(Tiles(range(50)), encoder, tmp_path, SMALL)
    assert report.images == {"embedded": 40, "reused": 10, "unreadable": 0}
    assert set(encoder.pictures.values()) == {1}
    assert len(open_store(tmp_path).load("images").ids) == 50


def test_texts_can_be_left_out_and_added_later(tmp_path):
    encoder = Counting()
    report = embed(Tiles([1, 2]), encoder, tmp_path, Settings(texts=False))
    assert not encoder.words
    assert report.texts == {"embedded": 0, "reused": 0}

    embed(Tiles([1, 2]), encoder, tmp_path)
    assert encoder.pictures == {1: 1, 2: 1}
    assert len(open_store(tmp_path).load("texts").ids) == 4


def test_all_splits_are_embedded_unless_one_is_named(tmp_path):
    class Two(Tiles):
        def items(self, split, language=None):
            if split not in self.splits:
                raise UnknownName("split", split, self.splits)
            yield from Tiles([1] if split == "train" else [1, 2], f"{split}-").items(split)

    two = Two([])
    two.splits = ("train", "test")
    assert embed(two, Counting(), tmp_path, SMALL).images == {"embedded": 2, "reused": 1, "unreadable": 0}
    assert open_store(tmp_path).load("images", split="test").ids == ("test-0", "test-1")
    with pytest.raises(UnknownName, match="Did you mean 'train'"):
        embed(two, Counting(), tmp_path / "wrong", Settings(split="trian"))
    assert not (tmp_path / "wrong").exists(), "a wrong call leaves no folder that belongs to a model"


def test_a_whole_shard_of_unreadable_images_is_named_and_not_tried_again(tmp_path):
    report = embed(Tiles([-1, -2, -3, 4]), Counting(), tmp_path, Settings(batch=2, shard=3))
    assert report.unreadable == {f"tile-{i}": "truncated" for i in range(3)}

    again = embed(Tiles([-1, -2, -3, 4]), Counting(), tmp_path, Settings(batch=2, shard=3))
    assert again.unreadable == report.unreadable
    assert open_store(tmp_path).unreadable() == report.unreadable
    assert open_store(tmp_path).load("images").ids == ("tile-3",)


class Wider(Counting):
    dim = 5


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Counting(revision="r2"), "counting@r1"),
        (Counting(preprocessing="p2"), "preprocessing p1"),
        (Wider(), "5-dimensional"),
    ],
)
def test_another_model_is_refused(tmp_path, other, said):
    embed(Tiles([1]), Counting(), tmp_path)
    with pytest.raises(ModelMismatch, match=said):
        embed(Tiles([1]), other, tmp_path)
    with pytest.raises(ModelMismatch, match=said):
        open_store(tmp_path, other)
    assert open_store(tmp_path, Counting()).dim == 4


def test_an_id_that_occurs_twice_is_refused(tmp_path):
    class Twice(Tiles):
        def items(self, split, language=None):
            yield from super().items(split)
            yield from super().items(split)

    with pytest.raises(DataError, match="'tile-0'"):
        embed(Twice([1]), Counting(), tmp_path)


def test_rows_that_are_not_of_length_1_never_reach_the_folder(tmp_path):
    class Overflowing(Counting):
        def encode_images(self, images):
            return super().encode_images(images) * np.float32("nan")

    with pytest.raises(ModelError, match=r"length nan.*'content 7'"):
        embed(Tiles([7]), Overflowing(), tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


def test_wrong_settings_are_refused():
    with pytest.raises(UsageError, match="batch must be at least 1, not 0"):
        Settings(batch=0)


@pytest.mark.parametrize("on_disk", [False, True])
def test_pairs_give_rows_of_readable_images_and_of_all_captions(tmp_path, on_disk):
    pairs = Pairs.from_items(Tiles([8, -1, 9, 8]).items("test"), "tiles:test")
    encoder, folder = Counting(), tmp_path if on_disk else None
    images, texts, unreadable = embed_pairs(pairs, encoder, folder, settings=SMALL)

    assert images.ids == ("tile-0", "tile-2")
    assert texts.ids == tuple(caption.id for caption in pairs.captions)
    assert unreadable == {"tile-1": "truncated"}
    assert np.array_equal(rows(texts)["tile-0#0"], rows(texts)["tile-3#0"])
    assert images.provenance.data != texts.provenance.data

    again, _, lost = embed_pairs(pairs, encoder, folder, settings=SMALL)
    assert np.array_equal(again.vectors, images.vectors)
    assert lost == unreadable
    assert encoder.pictures == ({8: 1, 9: 1} if on_disk else {8: 2, 9: 2})


def test_pairs_and_data_sets_share_a_folder(tmp_path):
    encoder = Counting()
    embed(Tiles([1, 2]), encoder, tmp_path)
    pairs = Pairs.from_items(Tiles([2, 3]).items("test"))
    embed_pairs(pairs, encoder, tmp_path)
    assert encoder.pictures == {1: 1, 2: 1, 3: 1}


@pytest.mark.parametrize(("limit", "expected"), [(20, 20), (None, 30), (40, 30)])
def test_progress_tells_how_many_of_how_many(tmp_path, limit, expected):
    steps = []
    with listening(steps.append):
        embed(Tiles(range(30)), Counting(), tmp_path, Settings(batch=4, shard=16, limit=limit))
    assert (steps[-1].done, steps[-1].total, steps[-1].unit) == (expected, expected, "images")


PEAK = """
import sys
import threading
from pathlib import Path
from embedding_stand_ins import Counting, Settings, Tiles, embed
tiles = Tiles(range(int(sys.argv[1])), side=64)
embed(tiles, Counting(), Path(sys.argv[2]), Settings(batch=16, shard=128))
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def peak(count, folder):
    """Peak resident memory in MiB of a process that embeds so many pictures of 12 KiB."""
    command = [sys.executable, "-c", PEAK, str(count), str(folder)]
    return float(subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, check=True).stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to tell the peak")
@pytest.mark.parametrize(
    ("few", "many", "mebibytes"),
    [(500, 3_000, 4), pytest.param(2_000, 20_000, 8, marks=pytest.mark.slow)],
)
def test_memory_does_not_grow_with_the_pictures(tmp_path, few, many, mebibytes):
    growth = peak(many, tmp_path / "many") - peak(few, tmp_path / "few")
    assert growth < mebibytes, f"{many - few} more pictures took {growth} MiB; they have {(many - few) * 12 / 1024} MiB"


def test_pictures_are_decoded_only_a_few_batches_ahead_of_the_encoder(tmp_path):
    decoded, most = [], [0]

    class Watched(Tiles):
        def items(self, split, language=None):
            for item in super().items(split, language):
                yield replace(item, picture=replace(item.picture, load=partial(self.load, item.picture.load)))

        def load(self, load):
            decoded.append(1)
            return load()

    class Encoder(Counting):
        def encode_images(self, images):
            most[0] = max(most[0], len(decoded) - sum(self.pictures.values()))
            return super().encode_images(images)

    embed(Watched(range(200)), Encoder(), tmp_path, Settings(batch=5, shard=32))
    assert 5 <= most[0] <= 20


class Ready(Counting):
    """An encoder that offers to make pictures ready; it notes which threads did."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = set()

    def prepare(self, image):
        self.threads.add(threading.current_thread().name)
        return image.getpixel((0, 0))

    def encode_prepared(self, prepared):
        return self._rows([repr(one) for one in prepared])


def test_pictures_are_made_ready_in_the_threads_that_decode_and_get_the_same_rows(tmp_path):
    tiles, ready = Tiles([3, 4, -1, 5, 6]), Ready()
    embed(tiles, ready, tmp_path / "ready", SMALL)
    embed(tiles, Counting(), tmp_path / "plain", SMALL)

    assert threading.current_thread().name not in ready.threads
    assert len(ready.threads) > 0
    assert not ready.pictures
    made, plain = (rows(open_store(tmp_path / one).load("images")) for one in ("ready", "plain"))
    assert list(made) == ["tile-0", "tile-1", "tile-3", "tile-4"]
    assert {one: row.tolist() for one, row in made.items()} == {one: row.tolist() for one, row in plain.items()}
