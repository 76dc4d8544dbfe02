"""Embedding on a Ray cluster gives the bytes of embedding here, whichever process or node dies meanwhile."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from embedding_stand_ins import KILLED, SMALL, Counting, Tiles, tile

from mirante.embeddings import embed
from mirante.embeddings.pipeline import ALONE, IN_FLIGHT
from mirante.embeddings.ray import Ray
from mirante.errors import DataError, MissingLibrary, ModelError, UnreadableImage, UsageError

WORKER = Path(__file__).with_name("embedding_stand_ins.py")


def contents(folder):
    """Name → SHA-256 of every file, so that a difference is told by name."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    report = embed(KILLED, Counting(), folder, SMALL)
    return contents(folder), report


@pytest.fixture(scope="module")
def cluster():
    """Two nodes with a processor each, in processes of their own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (ALONE | {"PYTHONPATH": str(WORKER.parent)}).items():
            patch.setenv(name, value)
        if torch := sys.modules.get("torch"):  # an actor takes as many processors as torch has threads here
            patch.setattr(torch, "get_num_threads", lambda: 1)
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 << 20}
        nodes = Cluster(initialize_head=True, head_node_args=head)
        nodes.add_node(num_cpus=1, object_store_memory=80 << 20)
        patch.setenv("RAY_ADDRESS", nodes.address)
        yield nodes
        import ray

        ray.shutdown()
        nodes.shutdown()


class Doomed(Counting):
    """Before its second batch it calls `die`, once in all processes."""

    def __init__(self, mark, die):
        super().__init__()
        self.mark, self.die, self.batches = mark, die, 0

    def busy(self):
        self.batches += 1
        if self.batches > 1 and self.die():
            self.mark.touch(exist_ok=False)
            kill(self.mark)


def kill(mark):
    victim = os.getpid() if mark.name == "process" else os.getppid()
    os.kill(victim, signal.SIGKILL)
    signal.pause()


def is_new(mark, head):
    """Whether nobody died yet, on another node than `head`."""
    import ray

    return not mark.exists() and ray.get_runtime_context().get_node_id() != head


@pytest.mark.server
def test_two_nodes_write_the_bytes_of_one_process(tmp_path, cluster, local):
    report = embed(KILLED, Counting(), tmp_path, SMALL, engine=Ray(Counting))

    assert contents(tmp_path) == local[0]
    assert report.images == local[1].images
    assert report.texts == local[1].texts
    assert report.unreadable == local[1].unreadable != {}


@pytest.mark.server
@pytest.mark.parametrize("victim", ["process", "node"])
def test_what_dies_with_a_process_or_a_whole_node_is_encoded_elsewhere_to_the_same_bytes(
    tmp_path, cluster, local, victim
):
    import ray

    head, mark = cluster.head_node.node_id, tmp_path / victim
    extra = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    engine = Ray(partial(Doomed, mark, partial(is_new, mark, head)))
    report = embed(KILLED, Counting(), tmp_path / "out", SMALL, engine=engine)

    assert mark.exists(), "nobody died"
    assert contents(tmp_path / "out") == local[0]
    assert report.to_dict()["texts"] == local[1].to_dict()["texts"]
    assert sum(one["Alive"] for one in ray.nodes()) == (3 if victim == "process" else 2)
    if victim == "process":
        cluster.remove_node(extra)


@pytest.mark.server
def test_a_killed_driver_is_taken_up_by_the_same_call(tmp_path, cluster, local):
    driver = subprocess.Popen([sys.executable, str(WORKER), str(tmp_path), "0.05", "ray"], stdout=subprocess.PIPE)
    while len(list(tmp_path.glob("*.safetensors"))) < 3 and driver.poll() is None:
        os.sched_yield()
    driver.kill()
    driver.communicate()
    assert driver.returncode == -signal.SIGKILL, "the work ended before the kill: make the worker slower"
    whole = {name: digest for name, digest in contents(tmp_path).items() if name.endswith(".safetensors")}
    assert whole.items() < local[0].items()

    embed(KILLED, Counting(), tmp_path, SMALL, engine=Ray(Counting))
    assert contents(tmp_path) == local[0]


@pytest.mark.server
def test_the_input_is_read_only_a_few_stretches_ahead_of_what_is_written(tmp_path, cluster):
    ahead = []

    class Watched(Tiles):
        def items(self, split, language=None):
            for at, item in enumerate(super().items(split, language)):
                ahead.append(at // 4 - len(list(tmp_path.glob("images-*.safetensors"))))
                yield item

    embed(Watched(range(200)), Counting(), tmp_path, replace(SMALL, shard=4, texts=False), engine=Ray(Counting))
    assert len(list(tmp_path.glob("images-*.safetensors"))) == 50
    assert max(ahead) <= IN_FLIGHT * 3


class Poor(Counting):
    """It cannot encode."""

    def busy(self):
        raise KeyError("no such layer")


def absent():
    raise UnreadableImage("missing", "no such file")


class There(Tiles):
    """Tiles that only this process finds."""

    def items(self, split, language=None):
        here = os.getpid()
        for item in super().items(split, language):
            yield replace(item, picture=replace(item.picture, load=partial(only_in, here)))


def only_in(process):
    return tile(1) if os.getpid() == process else absent()


class Held(Tiles):
    """Tiles whose pictures hold what no other process can have."""

    def items(self, split, language=None):
        with WORKER.open() as file:
            for item in super().items(split, language):
                yield replace(item, picture=replace(item.picture, load=partial(tile, file)))


@pytest.mark.server
@pytest.mark.parametrize(
    ("tiles", "open_encoder", "error", "words"),
    [
        (Tiles([1, 2]), Poor, ModelError, "On node .*: KeyError: 'no such layer'"),
        (Tiles([1, 2]), partial(Counting, revision="r2"), ModelError, "is another model there .*r2, not r1"),
        (There([1, 2]), Counting, DataError, "'content 1' can be read here, but not on the nodes"),
        (Held([1, 2]), Counting, DataError, "cannot be loaded in another process .*--engine local"),
    ],
    ids=["encoder fails", "another model", "folder not shared", "cannot be sent"],
)
def test_what_no_other_try_would_mend_is_one_clear_error(tmp_path, cluster, tiles, open_encoder, error, words):
    with pytest.raises(error, match=words):
        embed(tiles, Counting(), tmp_path, SMALL, engine=Ray(open_encoder))
    assert not list(tmp_path.glob("*.safetensors"))

    embed(Tiles([1, 2]), Counting(), tmp_path, SMALL, engine=Ray(Counting))
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


@pytest.mark.server
def test_a_picture_that_nobody_finds_is_unreadable_as_it_is_here(tmp_path, cluster):
    class Lost(Tiles):
        def items(self, split, language=None):
            for item in super().items(split, language):
                yield replace(item, picture=replace(item.picture, load=absent))

    report = embed(Lost([1]), Counting(), tmp_path, SMALL, engine=Ray(Counting))
    assert report.unreadable == {"tile-0": "missing"}


@contextmanager
def inside(folder):
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.mark.server
@pytest.mark.timeout(600)
def test_the_command_line_on_a_cluster_of_its_own_writes_the_bytes_of_the_local_engine(tmp_path):
    """A CLIP with random weights, and pictures in files, at relative paths."""
    from mirante.encoders import clip

    clip.tiny(tmp_path / "model")
    (tmp_path / "pictures").mkdir()
    for number in range(12):
        tile(20 * number, 40 + number).save(tmp_path / "pictures" / f"{number}.png")
    (tmp_path / "pictures" / "broken.png").write_bytes(b"\x89PNG")
    given = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    said = {}
    for engine in ("local", "ray"):
        command = ["embed", "pictures", "--model", "model", "--out", engine, "--json", "--engine", engine]
        done = subprocess.run(
            [sys.executable, "-m", "mirante", *command],
            cwd=tmp_path, env=given | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said[engine] = json.loads(done.stdout)
        assert "ray" not in done.stderr.lower().replace("--engine ray", ""), done.stderr
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    assert said["ray"]["images"] == said["local"]["images"] == {"embedded": 12, "reused": 0, "unreadable": 1}


@pytest.mark.server
def test_an_address_without_a_cluster_is_named(tmp_path):
    script = (
        "from embedding_stand_ins import *; from mirante.embeddings.ray import Ray\n"
        "embed(Tiles([1]), Counting(), Path(sys.argv[1]), SMALL, engine=Ray(Counting))"
    )
    given = os.environ | {"RAY_ADDRESS": "127.0.0.1:1"}
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, cwd=WORKER.parent, env=given, capture_output=True, text=True)
    assert UsageError.__name__ in done.stderr
    assert "RAY_ADDRESS = '127.0.0.1:1'" in done.stderr


def test_where_nothing_is_new_no_cluster_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("mirante.embeddings.ray.connect", lambda: pytest.fail("Ray was started"))
    embed(KILLED, Counting(), tmp_path, SMALL)
    report = embed(KILLED, Counting(), tmp_path, SMALL, engine=Ray(Counting))
    assert report.images["embedded"] == 0


def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingLibrary, match=r"pip install 'mirante\[ray\]'"):
        embed(Tiles([1]), Counting(), tmp_path, SMALL, engine=Ray(Counting))
