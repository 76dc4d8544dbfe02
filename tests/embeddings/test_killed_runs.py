"""Work that is killed, shared by two processes or hindered by the disk ends in the same bytes as work left in peace."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from embedding_stand_ins import KILLED, SMALL, Counting, Tiles

from mirante.embeddings import embed, open_store
from mirante.embeddings.folder import Folder
from mirante.errors import DataError, StoreError, UnknownName, UsageError

WORKER = Path(__file__).with_name("embedding_stand_ins.py")


def start(folder, delay=0.05):
    return subprocess.Popen([sys.executable, str(WORKER), str(folder), str(delay)], stdout=subprocess.PIPE, text=True)


def contents(folder):
    """Name → SHA-256 of every file, so that a difference is told by name."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def shards(folder):
    return sorted(path.name for path in folder.glob("*.safetensors"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    encoder = Counting()
    embed(KILLED, encoder, folder, SMALL)
    return contents(folder), encoder


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_kill_9_at_any_moment_and_again_on_resume_leaves_the_same_bytes(tmp_path, undisturbed, seed):
    moments, kills = random.Random(seed), 0
    while kills < 5:
        worker, before = start(tmp_path), len(shards(tmp_path))
        while len(shards(tmp_path)) == before and worker.poll() is None:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.08))
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        kills += 1
        assert worker.returncode == -signal.SIGKILL, "the work ended before the kill: make the worker slower"
        assert set(shards(tmp_path)) < set(undisturbed[0])
    done = len(shards(tmp_path))
    embed(KILLED, encoder := Counting(), tmp_path, SMALL)

    assert done >= 5
    assert contents(tmp_path) == undisturbed[0]
    assert 0 < sum(encoder.pictures.values()) < sum(undisturbed[1].pictures.values())


def test_two_workers_share_one_folder_and_encode_nothing_twice(tmp_path, undisturbed):
    workers = [start(tmp_path), start(tmp_path)]
    said = [worker.communicate(timeout=120)[0].splitlines() for worker in workers]
    counts = [[int(n) for n in lines[-1].split()] for lines in said]

    assert contents(tmp_path) == undisturbed[0]
    assert all(lines[0] == "busy" for lines in said)
    assert sum(images for images, _, _ in counts) == len(undisturbed[1].pictures)
    assert sum(texts for _, texts, _ in counts) == len(undisturbed[1].words)


def test_a_worker_takes_up_what_a_killed_one_had_in_hand(tmp_path, undisturbed):
    doomed, free = start(tmp_path, delay=600), len([one for one in undisturbed[0] if one.endswith("tensors")]) - 2
    assert doomed.stdout.readline() == "busy\n"
    other = start(tmp_path, delay=0)
    while len(shards(tmp_path)) < free and other.poll() is None:
        time.sleep(0.01)
    time.sleep(0.3)
    assert len(shards(tmp_path)) == free
    assert other.poll() is None, "it should wait for the two shards that the slow worker has in hand"
    doomed.kill()
    doomed.communicate()
    _, _, passes = other.communicate(timeout=60)[0].splitlines()[-1].split()
    assert contents(tmp_path) == undisturbed[0]
    assert passes == "3", "the input is read to be checked, to be shared, and once more for what was left"


def test_files_cut_off_while_being_written_are_swept_away(tmp_path, undisturbed):
    name = next(one for one in undisturbed[0] if one.startswith("images"))
    (tmp_path / f"{name}.123.tmp").write_bytes(b"half a sha")
    embed(KILLED, Counting(), tmp_path, SMALL)
    assert contents(tmp_path) == undisturbed[0]


def test_a_claim_holds_against_another_process_and_ends_with_it(tmp_path):
    script = (
        "import sys; from pathlib import Path; from mirante.embeddings.folder import Folder\n"
        "print(Folder(Path(sys.argv[1])).claim('shard'), flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "True\n"
    with Folder(tmp_path) as folder:
        assert not folder.claim("shard")
        assert folder.claim("another shard")
        holder.kill()
        holder.communicate()
        assert folder.claim("shard")


def test_a_claim_holds_against_another_thread(tmp_path):
    with Folder(tmp_path) as one, Folder(tmp_path) as two:
        assert one.claim("shard")
        assert not two.claim("shard")
        one.release("shard")
        assert two.claim("shard")
    with Folder(tmp_path) as three:
        assert three.claim("shard")


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("kind", "hurt"),
    [(kind, hurt) for kind in ("images", "texts", "listing", "manifest") for hurt in (cut, empty)]
    + [("images", flip), ("texts", flip)],
)
def test_a_damaged_file_is_named_and_deleting_it_mends_the_folder(tmp_path, kind, hurt):
    data = Tiles(range(20))
    embed(data, Counting(), tmp_path, SMALL)
    before = contents(tmp_path)
    victim = sorted(tmp_path.glob(f"{kind}*"))[0]
    hurt(victim)

    with pytest.raises(StoreError) as caught:
        open_store(tmp_path).load("texts" if kind == "texts" else "images")
    assert str(victim) in str(caught.value)
    assert "delete that file and run the same" in str(caught.value)

    victim.unlink()
    embed(data, Counting(), tmp_path, SMALL)
    assert contents(tmp_path) == before


def test_a_listing_cut_between_two_lines_is_noticed(tmp_path):
    embed(Tiles(range(20)), Counting(), tmp_path, SMALL)
    (listing,) = tmp_path.glob("listing-*")
    listing.write_bytes(b"".join(listing.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(StoreError, match=f"{listing.name}.*19 rows instead of 20"):
        open_store(tmp_path).load("images")


def test_a_shard_of_another_model_is_refused_by_name(tmp_path):
    embed(Tiles([1]), Counting(), tmp_path / "one", SMALL)
    embed(Tiles([2]), Counting(revision="r2"), tmp_path / "two", SMALL)
    (stray,) = (tmp_path / "two").glob("images-*")
    stray.rename(tmp_path / "one" / stray.name)
    with pytest.raises(StoreError, match=f"{stray.name}.* was made by another model"):
        open_store(tmp_path / "one").load("images")


def test_a_full_disk_is_one_clear_error_and_whole_shards_stay(tmp_path, monkeypatch, undisturbed):
    real, left = os.fsync, [8]  # a file and its folder each: the manifest and three shards

    def fsync(file):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreError, match=r"The disk is full: .* free some space and run the same command again"):
        embed(KILLED, Counting(), tmp_path, SMALL)
    monkeypatch.undo()
    whole = contents(tmp_path)
    assert len(shards(tmp_path)) == 3
    assert all(whole[name] == undisturbed[0][name] for name in shards(tmp_path))
    assert not list(tmp_path.glob("*.tmp"))

    embed(KILLED, Counting(), tmp_path, SMALL)
    assert contents(tmp_path) == undisturbed[0]


def test_opening_nothing_says_what_to_run(tmp_path):
    with pytest.raises(UsageError, match="mirante embed DATA --model M --out"):
        open_store(tmp_path / "nowhere")


def test_reading_by_a_wrong_name_lists_the_right_ones(tmp_path):
    embed(Tiles([1]), Counting(), tmp_path)
    store = open_store(tmp_path)
    with pytest.raises(UnknownName, match="Did you mean 'tiles'"):
        store.load("images", data="tile")
    with pytest.raises(UnknownName, match="Did you mean 'images'"):
        store.load("image")
    with pytest.raises(DataError, match="'tile-7'"):
        store.images(["tile-7"])


def test_data_sets_whose_ids_collide_are_read_one_at_a_time(tmp_path):
    embed(Tiles([1, 2], name="one"), Counting(), tmp_path)
    embed(Tiles([2, 1], name="two"), Counting(), tmp_path)
    store = open_store(tmp_path)
    with pytest.raises(StoreError, match="'tile-0' stands for two contents"):
        store.load("images")
    one, two = store.load("images", data="one"), store.load("images", data="two")
    assert np.array_equal(one.vectors, two.vectors[::-1])


def test_the_rows_of_a_listing_carry_what_an_index_shows(tmp_path):
    embed(Tiles([3, -1], language="pt-BR"), Counting(), tmp_path)
    first, second = open_store(tmp_path).rows()
    assert (first.id, first.path, first.metadata) == ("tile-0", "/tiles/0.png", {"number": 3})
    assert [(one.id, one.text, one.language) for one in first.captions] == [
        ("tile-0#0", "a 3", "pt-BR"),
        ("tile-0#1", "b 3", "pt-BR"),
    ]
    assert second.id == "tile-1"
