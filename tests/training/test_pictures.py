"""Pixels prepared once for training: the same as the model's own preprocessing, kept, and never in another's row."""

import errno
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders
from mirante.encoders import _tiny
from mirante.errors import DataError, ModelError, StoreError, UnreadableImage
from mirante.training import cache as caching
from mirante.training import pictures as prepared
from mirante.training.batches import PairBatches
from mirante.types import Caption, Pairs, Picture

SIDES = ((40, 64), (32, 32), (90, 31), (8, 8), (33, 100))
BYTES = 5 * 3 * 32 * 32


def image(number):
    height, width = SIDES[number]
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8))


def broken():
    raise UnreadableImage("truncated", "image file is truncated")


@pytest.fixture(scope="module", params=["siglip", "clip"])
def encoder(request, tmp_path_factory):
    return encoders.load(getattr(_tiny, request.param)(tmp_path_factory.mktemp(request.param) / "model"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache folder."""
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def counted(loads, first="content", bad=()):
    """Batches of five pictures that note each load; being local functions, they cannot go to another process."""

    def load(number):
        loads.append(number)
        return broken() if number in bad else image(number)

    return of([Picture(f"p{n}", f"{first} {n}", load=lambda n=n: load(n)) for n in range(len(SIDES))])


def of(pictures):
    """Batches of those pictures, each with a caption of its own."""
    captions = tuple(Caption(f"{one.id}#", f"caption of {one.id}") for one in pictures)
    return PairBatches(Pairs(tuple(pictures), captions, {f"{one.id}#": frozenset((one.id,)) for one in pictures}))


def pixels(batches, encoder):
    return prepared.prepare(batches, encoder)[1]


def test_a_batch_is_what_the_models_own_preprocessing_gives(encoder):
    batches = counted([])
    same, made = prepared.prepare(batches, encoder)
    given = encoder.pixels([image(n) for n in range(len(SIDES))])
    batch = made.batch(np.arange(len(SIDES)))
    assert same is batches
    assert len(made) == 5
    assert (batch.shape, batch.dtype) == (given.shape, torch.float32)
    torch.testing.assert_close(batch, given, rtol=0, atol=1e-6)


def test_another_device_gets_bytes_and_normalises_them_itself(monkeypatch):
    """A device other than the processor's is played by the processor."""
    raw = np.random.default_rng(0).integers(0, 256, (3, 3, 4, 4), dtype=np.uint8)
    mean, std, rows = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), np.array([2, 0])
    here = prepared.Pictures(raw, mean, std)
    there = prepared.Pictures(raw, mean, std)
    monkeypatch.setattr(there, "_device", SimpleNamespace(type="cuda"))
    sent = []
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device: sent.append(self.dtype) or self)
    torch.testing.assert_close(there.batch(rows), here.batch(rows), rtol=0, atol=1e-6)
    assert sent == [torch.uint8]


def test_rows_come_in_the_order_asked(encoder):
    made = pixels(counted([]), encoder)
    whole = made.batch(np.arange(5))
    assert torch.equal(made.batch(np.array([3, 0, 3])), whole[[3, 0, 3]])


def test_pictures_are_decoded_once_and_never_again(encoder, cache):
    loads = []
    first = pixels(counted(loads), encoder).batch(np.arange(5))
    assert sorted(loads) == [0, 1, 2, 3, 4]
    again = pixels(counted(loads), encoder).batch(np.arange(5))
    assert len(loads) == 5
    assert torch.equal(again, first)
    assert [path.suffix for path in cache.iterdir()] == [".npy"]


def test_other_pictures_or_another_order_are_prepared_anew(encoder, cache):
    loads = []
    pixels(counted(loads), encoder)
    pixels(counted(loads, first="other"), encoder)
    pixels(of(counted(loads).pictures[::-1]), encoder)
    assert len(loads) == 15
    assert len(list(cache.iterdir())) == 3


def test_another_size_of_the_model_is_prepared_anew(tmp_path, encoder):
    loads = []
    pixels(counted(loads), encoder)
    other = encoders.load(_tiny.siglip(tmp_path / "model"))
    other.image_processor.size = {"height": 16, "width": 16}
    assert pixels(counted(loads), other).batch(np.arange(5)).shape == (5, 3, 16, 16)
    assert len(loads) == 10


def test_more_than_a_chunk_of_pictures_keeps_its_order(encoder, monkeypatch):
    monkeypatch.setattr(prepared, "_CHUNK", 2)
    given = encoder.pixels([image(n) for n in range(5)])
    torch.testing.assert_close(pixels(counted([]), encoder).batch(np.arange(5)), given, rtol=0, atol=1e-6)


@pytest.mark.parametrize("chunk", [64, 2], ids=["one chunk", "three chunks"])
def test_an_unreadable_picture_is_left_out_and_named_and_shifts_nobody(encoder, monkeypatch, chunk):
    monkeypatch.setattr(prepared, "_CHUNK", chunk)
    loads = []
    for _ in range(2):  # the second time from the cache
        batches, made = prepared.prepare(counted(loads, bad=(1, 2)), encoder)
        assert made.unreadable == {"p1": "truncated", "p2": "truncated"}
        assert [picture.id for picture in batches.pictures] == ["p0", "p3", "p4"]
        assert len(made) == 3
        given = encoder.pixels([image(n) for n in (0, 3, 4)])
        torch.testing.assert_close(made.batch(np.arange(3)), given, rtol=0, atol=1e-6)
    assert len(loads) == 5


def test_an_unreadable_picture_is_named_by_another_process_too(encoder):
    """These pictures can be sent to another process."""
    some = [Picture(f"grey {n}", f"grey {n}", load=grey) for n in range(3)]
    batches, made = prepared.prepare(of([some[0], Picture("the bad one", "bad", load=broken), *some[1:]]), encoder)
    assert made.unreadable == {"the bad one": "truncated"}
    assert [picture.id for picture in batches.pictures] == ["grey 0", "grey 1", "grey 2"]
    assert len(made) == 3


def grey():
    return Image.new("RGB", (40, 40), "grey")


def test_where_no_picture_can_be_read_the_first_is_named_and_nothing_is_kept(encoder, cache):
    with pytest.raises(DataError, match="None of the 5 training pictures can be read; the first, 'p0': truncated"):
        prepared.prepare(counted([], bad=range(5)), encoder)
    assert not list(cache.iterdir())


def test_one_readable_picture_is_too_few(encoder):
    with pytest.raises(DataError, match=r"only one captioned picture \('p3'\)"):
        prepared.prepare(counted([], bad=(0, 1, 2, 4)), encoder)


def test_batches_that_need_every_picture_name_the_unreadable_one(encoder):
    fixed = SimpleNamespace(pictures=counted([], bad=(3,)).pictures)
    with pytest.raises(DataError, match=r"1 training pictures cannot be read, first 'p3' \(truncated\)"):
        prepared.prepare(fixed, encoder)


def test_a_model_of_pictures_of_any_shape_is_refused(tmp_path, cache):
    naflex = encoders.load(_tiny.naflex(tmp_path / "model"))
    with pytest.raises(ModelError, match=r"takes pictures of any shape \(Siglip2.*start from a model of one resol"):
        prepared.prepare(counted([]), naflex)
    assert not cache.exists()


def test_a_disk_that_is_too_full_says_how_much_is_needed_and_keeps_no_part(encoder, cache, monkeypatch):
    monkeypatch.setattr(caching.shutil, "disk_usage", lambda path: SimpleNamespace(free=BYTES - 1))
    with pytest.raises(StoreError, match=r"too full.*: they take 0.0 MB, 0.0 MB are free.*MIRANTE_CACHE.*limit"):
        prepared.prepare(counted([]), encoder)
    assert not list(cache.iterdir())


def test_a_disk_that_fills_up_meanwhile_keeps_no_part(encoder, cache, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(prepared, "_fill", full)
    with pytest.raises(StoreError, match="No space left on device"):
        prepared.prepare(counted([]), encoder)
    assert not list(cache.iterdir())


def test_any_failure_keeps_no_part(encoder, cache, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(prepared, "_fill", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepared.prepare(counted([]), encoder)
    assert not list(cache.iterdir())


def test_a_damaged_file_is_made_again(encoder, cache):
    first = pixels(counted([]), encoder).batch(np.arange(5))
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    assert torch.equal(pixels(counted([]), encoder).batch(np.arange(5)), first)


def test_parts_of_dead_processes_are_removed(encoder, cache):
    cache.mkdir()
    (cache / "pixels-dead.part").write_bytes(b"half a picture")
    pixels(counted([]), encoder)
    assert [path.suffix for path in cache.iterdir()] == [".npy"]


def hold(folder, told):
    """Another process that writes `slow.npy`: it says when it began, and ends when it is told to."""
    with caching.write(folder / "slow.npy", 4) as file:
        told.send("began")
        told.recv()
        file.write(b"done")


@pytest.fixture
def other_process(cache):
    """A process that is writing `slow.npy` until it is told to end."""
    context = multiprocessing.get_context("fork")
    mine, its = context.Pipe()
    process = context.Process(target=hold, args=(cache, its))
    process.start()
    assert mine.poll(20)
    yield lambda: mine.send("end"), process
    process.kill()
    process.join(20)


def test_the_part_of_a_living_process_is_left_alone(encoder, cache, other_process):
    let_go, process = other_process
    pixels(counted([]), encoder)
    let_go()
    process.join(20)
    assert (cache / "slow.npy").read_bytes() == b"done"


def test_who_comes_second_waits_for_the_first_and_takes_what_it_made(cache, other_process):
    let_go, _ = other_process
    let_go()
    with caching.write(cache / "slow.npy", 4) as file:
        assert file is None
    assert (cache / "slow.npy").read_bytes() == b"done"
    assert [path.name for path in cache.iterdir()] == ["slow.npy"]


def test_a_killed_process_hands_its_place_to_the_next(cache, other_process):
    _, process = other_process
    process.kill()
    process.join(20)
    with caching.write(cache / "slow.npy", 4) as file:
        file.write(b"next")
    assert (cache / "slow.npy").read_bytes() == b"next"
    assert [path.name for path in cache.iterdir()] == ["slow.npy"]


def test_several_that_prepare_the_same_pictures_at_once_do_it_once(encoder, cache):
    """Threads here; the lock is on the file, and knows no difference to processes."""
    loads = []
    with ThreadPoolExecutor(3) as together:
        made = list(together.map(lambda _: pixels(counted(loads), encoder).batch(np.arange(5)), range(3)))
    assert sorted(loads) == [0, 1, 2, 3, 4]
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])
    assert [path.suffix for path in cache.iterdir()] == [".npy"]
