"""Stored states: the scores of fresh ones without opening a picture, for one base and layer, whole whatever happens."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import namedtuple
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from mirante import encoders
from mirante.cli import main
from mirante.encoders import _tiny
from mirante.encoders._prompted import Hidden
from mirante.errors import ModelError, StoreError, UnreadableImage, UsageError
from mirante.rerankers import Candidates, _storing, chain
from mirante.rerankers._guided import Guided
from mirante.rerankers._guided_files import write
from mirante.rerankers._guiding import Guiding
from mirante.rerankers._kept import Kept
from mirante.rerankers._stored import States, beside, open_states
from mirante.rerankers._storing import Storing
from mirante.rerankers.elip import Elip
from mirante.types import Picture

FAMILIES = {"clip": _tiny.clip, "naflex": _tiny.naflex}
TEXT = "two big blue stars on a lawn"
GUIDING = Guiding(prompts=2, width=16, entry=1)
SIZES = ((40, 60), (60, 40), (32, 32), (90, 30), (30, 90), (64, 48), (48, 64))


@pytest.fixture(scope="module", params=FAMILIES)
def base(request, tmp_path_factory):
    opened = encoders.load(FAMILIES[request.param](tmp_path_factory.mktemp(request.param) / "model"))
    opened.module.eval().requires_grad_(requires_grad=False)
    return opened


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    opened = encoders.load(_tiny.clip(tmp_path_factory.mktemp("clip") / "model"))
    opened.module.eval().requires_grad_(requires_grad=False)
    return opened


@pytest.fixture
def shards_of_2(monkeypatch):
    monkeypatch.setattr(_storing, "SHARD", 2)


def gallery(count=7):
    """Noise of several shapes, so that NaFlex masks differ."""
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (*SIZES[n % len(SIZES)], 3), dtype=np.uint8) for n in range(count)]
    return [Picture(f"id {n}", f"noise {n}", Image.fromarray(one).copy) for n, one in enumerate(noise)]


def closed(pictures):
    """The same pictures, which nobody may open."""

    def load():
        pytest.fail("a stored picture was opened")

    return [Picture(one.id, one.content, load) for one in pictures]


def guided(base, guiding=GUIDING):
    torch.manual_seed(0)
    made = Guided(base, guiding)
    made.guide.eval().requires_grad_(requires_grad=False)
    return made


def asked(base, pictures):
    none = np.zeros((len(pictures), base.dim), np.float32)
    return Candidates(TEXT, pictures, none[:, 0], none[0], none)


def files(folder):
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != ".lock"}


@pytest.mark.parametrize("form", ["prompts", "attention"])
def test_scores_are_those_of_fresh_states_and_no_picture_is_opened(base, tmp_path, form):
    made = guided(base, Guiding(form=form, reads="tokens", prompts=2, width=16, entry=1))
    for block in getattr(made.guide, "blocks", ()):
        block.gates.data.fill_(1.0)
    pictures = gallery()
    fresh = Elip(made).score(asked(base, pictures))
    Storing(made, tmp_path / "states", pictures).run()
    stored = Elip(made, states=open_states(tmp_path / "states", made)).score(asked(base, closed(pictures)))
    np.testing.assert_allclose(stored, fresh, atol=1e-2)
    clear = np.subtract.outer(fresh, fresh) > 2e-2
    assert clear.any()
    assert (np.subtract.outer(stored, stored)[clear] > 0).all()


def test_states_are_found_by_content_and_are_the_seen_ones_in_half_precision(base, tmp_path):
    made, pictures = guided(base), gallery()
    Storing(made, tmp_path / "states", pictures).run()
    found = States(tmp_path / "states", made).find(["noise 5", "nowhere", "noise 0", "noise 3"])
    assert set(found) == {"noise 5", "noise 0", "noise 3"}
    seen = made.see([one.load() for one in pictures])
    for content, at in (("noise 5", 5), ("noise 0", 0), ("noise 3", 3)):
        assert found[content].tokens.dtype == torch.float32
        torch.testing.assert_close(found[content].tokens, seen.tokens[at : at + 1].half().float(), rtol=1e-3, atol=1e-4)
        assert (found[content].seen is None) == (seen.seen is None)
        if seen.seen is not None:
            assert torch.equal(found[content].seen, seen.seen[at : at + 1])


def test_some_stored_some_not(clip, tmp_path):
    made, pictures = guided(clip), gallery()
    Storing(made, tmp_path / "states", pictures[:4]).run()
    fresh = Elip(made).score(asked(clip, pictures))
    states = open_states(tmp_path / "states", made)
    mixed = [*closed(pictures[:4]), *pictures[4:]][::-1]
    np.testing.assert_allclose(Elip(made, states=states).score(asked(clip, mixed)), fresh[::-1], atol=1e-2)


def test_the_size_is_known_before_and_is_that_of_the_rows(base, tmp_path):
    pictures = gallery()
    storing = Storing(guided(base), tmp_path / "states", [*pictures, *pictures[:2]])
    assert not (tmp_path / "states").exists()
    assert (storing.plan.pictures, storing.plan.stored, storing.plan.entry, storing.plan.layers) == (7, 0, 1, 2)
    storing.run()
    rows = 0
    for path in (tmp_path / "states").glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            rows += sum(file.get_tensor(name).nbytes for name in file.keys())  # noqa: SIM118 (no dict)
            assert str(file.get_tensor("tokens").dtype) == "torch.float16"
    assert storing.plan.bytes == rows


def test_clip_of_17_tokens_32_wide_takes_1088_bytes_a_picture(clip, tmp_path):
    assert Storing(guided(clip), tmp_path / "states", gallery()).plan.bytes == 7 * 17 * 32 * 2


def test_a_second_call_does_nothing_and_a_larger_one_the_rest(clip, tmp_path):
    made, pictures = guided(clip), gallery()
    first = Storing(made, tmp_path / "states", pictures[:5]).run()
    assert first.pictures == {"stored": 5, "reused": 0, "unreadable": 0}
    before = files(tmp_path / "states")
    assert Storing(made, tmp_path / "states", closed(pictures[:5])).run().pictures["reused"] == 5
    assert files(tmp_path / "states") == before
    storing = Storing(made, tmp_path / "states", [*closed(pictures[:5]), *pictures[5:]])
    assert storing.plan.stored == 5
    assert storing.run().pictures == {"stored": 2, "reused": 5, "unreadable": 0}


def test_the_guides_own_weights_have_no_part_in_states(clip, tmp_path):
    Storing(guided(clip), tmp_path / "states", gallery(2)).run()
    other = Guided(clip, Guiding(form="attention", reads="tokens", width=16, entry=1))
    assert set(States(tmp_path / "states", other).known()) == {"noise 0", "noise 1"}


def test_unreadable_pictures_are_named_and_not_tried_again(clip, tmp_path, shards_of_2):
    tries = []

    def broken():
        tries.append(1)
        raise UnreadableImage("truncated", "the file ends early")

    pictures = [Picture("bad", "x", broken), *gallery(3), Picture("worse", "y", broken), Picture("again", "x", broken)]
    done = Storing(guided(clip), tmp_path / "states", pictures).run()
    assert done.unreadable == {"bad": "truncated", "worse": "truncated", "again": "truncated"}
    assert done.pictures == {"stored": 3, "reused": 0, "unreadable": 2}
    assert len(tries) == 2
    assert Storing(guided(clip), tmp_path / "states", pictures).run().pictures["unreadable"] == 2
    assert len(tries) == 2


def test_work_that_is_cut_off_goes_on_to_the_same_bytes(clip, tmp_path, shards_of_2):
    made, pictures = guided(clip), gallery()
    Storing(made, tmp_path / "whole", pictures).run()

    class Gone(BaseException):
        pass

    def gone():
        raise Gone

    doomed = [*pictures[:5], Picture("id 5", "noise 5", gone), *pictures[6:]]
    with pytest.raises(Gone):
        Storing(made, tmp_path / "states", doomed).run()
    left = files(tmp_path / "states")
    assert len(left) == 3  # the manifest and two shards of two
    (tmp_path / "states" / "states-0000000000000000.safetensors.1-1.tmp").write_bytes(b"half")
    storing = Storing(made, tmp_path / "states", [*closed(pictures[:4]), *pictures[4:]])
    assert storing.plan.stored == 4
    storing.run()
    assert files(tmp_path / "states") == files(tmp_path / "whole")
    assert left.items() < files(tmp_path / "whole").items()


def test_two_workers_share_a_folder_and_see_nothing_twice(clip, tmp_path, shards_of_2):
    made, pictures, seen, lock = guided(clip), gallery(), [], threading.Lock()

    def slow(one):
        def load():
            with lock:
                seen.append(one.content)
            time.sleep(0.05)
            return one.load()

        return Picture(one.id, one.content, load)

    Storing(made, tmp_path / "whole", pictures).run()
    workers = [Storing(made, tmp_path / "states", [slow(one) for one in pictures]) for _ in range(2)]
    done = []
    threads = [threading.Thread(target=lambda one=one: done.append(one.run().pictures)) for one in workers]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(seen) == [one.content for one in pictures]
    assert sum(one["stored"] for one in done) == len(pictures)
    assert [one["stored"] + one["reused"] for one in done] == [7, 7]
    assert files(tmp_path / "states") == files(tmp_path / "whole")


@pytest.mark.slow
def test_kill_9_leaves_whole_shards_and_the_same_call_ends_the_work(clip, tmp_path, shards_of_2):
    made, pictures = guided(clip), gallery()
    Storing(made, tmp_path / "whole", pictures).run()
    worker = subprocess.Popen(
        [sys.executable, __file__, str(tmp_path / "states"), clip.provenance.model], env={**os.environ}
    )
    while len(list((tmp_path / "states").glob("*.safetensors"))) < 2:
        assert worker.poll() is None
        time.sleep(0.005)
    worker.send_signal(signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    left = {name: check for name, check in files(tmp_path / "states").items() if not name.endswith(".tmp")}
    assert 3 <= len(left) < 5
    assert left.items() < files(tmp_path / "whole").items()
    Storing(made, tmp_path / "states", pictures).run()
    assert files(tmp_path / "states") == files(tmp_path / "whole")


def test_states_of_another_base_or_layer_are_refused(clip, tmp_path):
    Storing(guided(clip), tmp_path / "states", gallery(2)).run()
    with pytest.raises(UsageError, match=r"end below layer 1, the guide enters at layer 0: delete the folder"):
        open_states(tmp_path / "states", guided(clip, Guiding(prompts=2, width=16)))
    moved = shutil.copytree(clip.provenance.model, tmp_path / "moved")
    other = encoders.load(str(moved))
    assert open_states(tmp_path / "states", guided(other)) is not None  # the same weights elsewhere
    other.module.logit_scale.data += 1.0
    other.save(tmp_path / "changed")
    other = guided(encoders.load(str(tmp_path / "changed")))
    with pytest.raises(UsageError, match=r"were computed by .*, not by .*changed"):
        Storing(other, tmp_path / "states", gallery(2))
    half = guided(encoders.load(str(moved), encoders.Settings(precision="bf16")))
    with pytest.raises(UsageError, match=r"were computed by"):
        open_states(tmp_path / "states", half)


@pytest.mark.parametrize("harm", ["a row", "cut", "manifest", "schema"])
def test_damage_is_one_clear_error(clip, tmp_path, harm):
    folder, made = tmp_path / "states", guided(clip)
    Storing(made, folder, gallery(2)).run()
    (shard,) = folder.glob("*.safetensors")
    raw = bytearray(shard.read_bytes())
    if harm == "a row":
        raw[-5] ^= 1
        shard.write_bytes(raw)
    elif harm == "cut":
        shard.write_bytes(raw[:-9])
    elif harm == "manifest":
        (folder / "manifest.json").write_text("{", encoding="utf-8")
    else:
        plain = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        (folder / "manifest.json").write_text(json.dumps(plain | {"schema": 2}), encoding="utf-8")
    with pytest.raises(StoreError, match=r"is damaged .* delete that file|has schema 2, this version reads 1"):
        States(folder, made).find(["noise 0", "noise 1"])


def test_a_disk_without_the_room_is_refused_before_a_file_is_written(clip, tmp_path, monkeypatch):
    storing = Storing(guided(clip), tmp_path / "states", gallery())
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(_storing.shutil, "disk_usage", lambda path: usage(10**6, 0, storing.plan.bytes - 1))
    with pytest.raises(StoreError, match=r"GB free: free some space"):
        storing.run()
    assert not (tmp_path / "states").exists()


def test_states_beyond_fp16_are_refused(clip, tmp_path, monkeypatch):
    made = guided(clip)
    storing, see = Storing(made, tmp_path / "states", gallery(3)), made.see

    def large(images):
        tokens = see(images).tokens.clone()
        tokens[1, 3, 2] = 1e5
        return Hidden(tokens)

    monkeypatch.setattr(made, "see", large)
    with pytest.raises(ModelError, match=r"'noise 1' are beyond fp16"):
        storing.run()


def test_kept_states_come_from_the_store_first():
    asked_for, seen = [], []

    def stored(contents):
        asked_for.append(list(contents))
        return {one: torch.full((1, 1, 1), 7.0) for one in contents if one == "b"}

    def see(images):
        seen.append(len(images))
        return torch.ones(len(images), 1, 1)

    kept = Kept(see, torch.cat, stored=stored)
    pictures = [Picture(one, one, lambda: Image.new("RGB", (1, 1))) for one in "abca"]
    assert kept.rows(pictures).flatten().tolist() == [1, 7, 1, 1]
    assert kept.rows(pictures[1:]).flatten().tolist() == [7, 1, 1]
    assert (asked_for, seen) == ([["a", "b", "c"]], [2])


def test_the_verb_says_the_size_first_and_elip_finds_what_it_stored(clip, tmp_path, capsys, monkeypatch):
    home = write(tmp_path / "run" / "guide", guided(clip), None)

    def call(*more):
        with pytest.raises(SystemExit) as ended:
            main(["elip", "states", "scenes:test-6", "--guide", str(home), *more])
        assert ended.value.code == 0
        return capsys.readouterr().out

    lines = call("--lang", "en", "--limit", "4").splitlines()
    assert lines[0] == "4 pictures, 0.000 GB of fp16 at layer 1 of 2; 0 are stored already."
    assert lines[1].startswith("4 pictures stored, 0 reused, 0 unreadable in ")
    assert lines[1].endswith(f": {tmp_path / 'run' / 'guide-states'}")
    document = json.loads(call("--json", "--model", clip.provenance.model))
    assert document.pop("seconds") > 0
    assert document == {
        "schema": 1, "pictures": {"stored": 2, "reused": 4, "unreadable": 0}, "unreadable": [],
        "bytes": 6 * 17 * 32 * 2, "entry": 1, "layers": 2, "out": str(beside(home)),
    }  # fmt: skip
    from mirante.datasets import open_dataset

    pictures = closed([item.picture for item in open_dataset("scenes:test-6").items("test-6")])
    (opened,) = chain([f"elip:{home}"], clip)
    assert np.isfinite(opened.score(asked(clip, pictures))).all()


def test_a_folder_named_by_a_dot_has_its_states_beside_it(tmp_path, monkeypatch):
    (tmp_path / "guide").mkdir()
    monkeypatch.chdir(tmp_path / "guide")
    assert beside(Path()) == beside(Path(f"{tmp_path}/guide/")) == tmp_path.resolve() / "guide-states"


if __name__ == "__main__":  # a worker that is easily killed
    _storing.SHARD = 2
    slow = [
        Picture(one.id, one.content, lambda one=one: (time.sleep(0.1), one.load())[1])  # type: ignore[func-returns-value]
        for one in gallery()
    ]
    Storing(guided(encoders.load(sys.argv[2])), Path(sys.argv[1]), slow).run()
