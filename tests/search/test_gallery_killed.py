"""A process killed with SIGKILL at any write leaves the old state or the new one, readable."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from mirante.errors import StoreError
from mirante.search import Entry, Gallery, generations
from mirante.types import Embeddings, Provenance

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
MODEL = Provenance("toy", "r1", "p1")

# Forks a child for each moment: the child changes the gallery and kills itself at its n-th system event (opening,
# flushing, renaming, linking or removing a file of the gallery); the parent looks at what is left.
SCRIPT = textwrap.dedent("""
    import json, os, shutil, signal, sys
    from pathlib import Path
    import numpy as np
    from mirante.search import Entry, Gallery
    from mirante.types import Embeddings, Provenance

    os.fsync = lambda handle: None
    folder, model = Path(sys.argv[1]), Provenance("toy", "r1", "p1")
    rows = lambda **r: Embeddings(tuple(r), np.array(list(r.values()), np.float32), model)
    Gallery.create(folder, "exact", rows(a=[1, 0], b=[0, 1]), [Entry("a", ("old",)), Entry("b")])
    watched = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "sqlite3.connect")

    def change(moment):
        left = [moment]
        def hook(event, arguments):
            if event in watched and str(folder) in str(arguments):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        os.fsync = lambda handle: hook("open", folder)
        gallery = Gallery.open(folder)
        gallery.add(rows(a=[0, 1], c=[-1, 0]), [Entry("a", ("new",)), Entry("c")])

    seen = []
    for moment in range(1, 1000):
        child = os.fork()
        if child == 0:
            change(moment)
            os._exit(0)
        killed = os.waitpid(child, 0)[1] != 0
        gallery = Gallery.open(folder)
        hits = gallery.search(np.array([1, 0], np.float32), 5)
        seen.append([killed, [(hit.id, hit.captions[:1]) for hit in hits], len(list(folder.glob("generation-*")))])
        if not killed:
            break
        for rubbish in folder.glob("generation-*"):
            if rubbish.name != gallery.manifest.generation:
                shutil.rmtree(rubbish)
        if len(gallery) == 3:
            gallery.add(rows(a=[1, 0]), [Entry("a", ("old",))])
            gallery.delete(["c"])
    print(json.dumps(seen))
""")


def test_killed_at_any_moment(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "index")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    old = [["a", ["old"]], ["b", []]]
    new = [["b", []], ["a", ["new"]], ["c", []]]
    states = [state for _, state, _ in seen]
    turn = states.index(new)
    assert len(seen) > 25
    assert [killed for killed, _, _ in seen] == [True] * (len(seen) - 1) + [False]
    assert states == [old] * turn + [new] * (len(seen) - turn)
    assert turn < len(seen) - 1, "some were killed after the new state held"
    assert max(left for _, _, left in seen) == 2, "a killed change leaves something behind"


def test_the_next_change_removes_what_a_killed_one_left(tmp_path):
    gallery = Gallery.create(tmp_path, "exact", rows(a=[1, 0]), [Entry("a")])
    (tmp_path / "generation-half").mkdir()
    (tmp_path / "generation-half" / "vectors.npy").write_bytes(b"half")
    gallery.delete(["a"])
    assert [one.name for one in tmp_path.glob("generation-*")] == [gallery.manifest.generation]


def rows(**given):
    return Embeddings(tuple(given), np.array(list(given.values()), np.float32), MODEL)


def test_a_write_that_fails_leaves_the_old_state_and_no_rubbish(tmp_path, monkeypatch):
    gallery = Gallery.create(tmp_path, "exact", rows(a=[1, 0]), [Entry("a")])

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(generations, "sync", full)
    with pytest.raises(StoreError, match=r"cannot be written .No space left on device.: it stays as it was"):
        gallery.add(rows(b=[0, 1]), [Entry("b")])
    assert len(gallery) == len(Gallery.open(tmp_path)) == 1
    assert len(list(tmp_path.glob("generation-*"))) == 1


def test_everything_is_on_the_disk_before_it_is_named(tmp_path, monkeypatch):
    synced, before = [], []
    sync, replace = generations.sync, generations.Path.replace
    monkeypatch.setattr(generations, "sync", lambda path: (synced.append(path.name), sync(path)))
    monkeypatch.setattr(
        generations.Path, "replace", lambda self, target: (before.extend(synced), replace(self, target))[1]
    )
    made = Gallery.create(tmp_path, "exact", rows(a=[1, 0]), [Entry("a")])
    ids = ["ids-ends.npy", "ids-order.npy", "ids-text.npy"]
    assert before == ["catalogue.sqlite", *ids, "vectors.npy", made.manifest.generation, "index.json.new"]
    assert synced[-1] == tmp_path.name
