"""Two processes with a share of each batch give what one gives: gradients, weights, verdicts, one writer."""

import json
import multiprocessing
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from safetensors.torch import load_file

from mirante import encoders
from mirante.batch import Batch
from mirante.training import views
from mirante.training.config import LossTerm, Memory
from mirante.training.gradients import Gradients, Processes
from mirante.training.loop import Verdict
from mirante.training.objective import Objective

SEVEN = Batch(
    np.array([4, 0, 6, 2, 9, 3, 7]),
    ("um cão azul", "two yellow stars at night", "three fish", "a red square", "dois peixes"),
    np.array([[0, 0], [0, 3], [1, 1], [2, 2], [2, 5], [3, 4], [4, 2]]),
    np.full(5, "full"),
)
ONE_TEXT = Batch(np.array([1, 0, 8]), ("a red square",), np.array([[0, 0], [0, 2]]), np.full(1, "full"))


@pytest.fixture
def two(tmp_path):
    """Call `work(accelerator)` in two processes on the processor; what each returned, by rank."""

    def call(work):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        fork = multiprocessing.get_context("fork")
        both = [fork.Process(target=_process, args=(rank, port, work, tmp_path)) for rank in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join(240)
        assert [one.exitcode for one in both] == [0, 0]
        return [torch.load(tmp_path / f"rank-{rank}.pt") for rank in range(2)]

    return call


def _process(rank, port, work, folder):
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo", "WORLD_SIZE": "2"}
    os.environ.update(meeting, RANK=str(rank), LOCAL_RANK=str(rank), OMP_NUM_THREADS="1")
    for shared in (AcceleratorState, PartialState, GradientState):
        shared._reset_state()
    torch.set_num_threads(1)
    torch.save(work(Accelerator(cpu=True)), folder / f"rank-{rank}.pt")
    torch.distributed.destroy_process_group()
    os._exit(0)


@pytest.mark.parametrize("micro", [0, 2])
@pytest.mark.parametrize("batch", [SEVEN, ONE_TEXT], ids=["7 pictures, 5 texts", "3 pictures, 1 text"])
def test_the_summed_gradient_of_two_shares_is_that_of_the_whole(two, tiny, settings, pictures, batch, micro):
    """Seven pictures are shared as 3 and 4, five texts as 2 and 3; of one text the first process has none."""

    class Pixels:
        def __len__(self):
            return 10

        def batch(self, rows):
            return torch.randn(10, 3, 32, 32, generator=torch.Generator().manual_seed(5))[rows]

    config = settings(losses=(LossTerm("infonce"), LossTerm("sigmoid")))
    tiny.module.train()

    def gradient(accelerator):
        objective = Objective(config.losses, tiny.module)
        sides = views.make((), config, tiny, Pixels(), accelerator.autocast)
        processes = Processes(accelerator.process_index, accelerator.num_processes)
        tiny.module.zero_grad()
        loss = Gradients(sides, objective, micro, processes).backward(batch, (0, 0))
        weights = list(tiny.module.parameters())
        processes.add(weights)
        seen = [value.grad for value in (*weights, *objective.parameters()) if value.grad is not None]
        return [loss, *(value for value in seen if value.abs().max() > 0)]

    first, second = two(gradient)
    alone = gradient(Accelerator(cpu=True))
    assert len(alone) > 40
    assert len(first) == len(second) == len(alone)
    largest = max(value.abs().max() for value in alone)
    for one, other, expected in zip(first, second, alone, strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, expected, rtol=1e-3, atol=1e-5 * largest)


def moving(state):
    """All weights in one row, without the biases of keys: their gradient is rounding, for no softmax sees them."""
    keys = ("k_proj.bias", "in_proj_bias")
    return torch.cat([value.flatten() for name, value in state.items() if not name.endswith(keys)])


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_two_processes_train_what_one_trains_and_one_of_them_writes(two, run, new_model, settings, tmp_path, optimiser):
    """Batches of 15 pictures and more texts, in chunks of 4; the first process alone validates, both obey it."""
    looks = []

    def look(now):
        looks.append(now.step)
        return Verdict({"hit_rate@1": 0.5}, now.step == 2, 0.5)

    def train(accelerator, out):
        encoder = new_model()
        more = {"batch": 15, "optimiser": optimiser, "memory": Memory(micro=4), "losses": (LossTerm("sigmoid"),)}
        config = settings(out, steps=20, validate_every=2, patience=2, save_every=3, learning_rate=1e-3, **more)
        done = run(config, encoder, accelerator=accelerator, look=look)
        return {"state": encoder.module.state_dict(), "step": done.step, "best": done.best, "looks": list(looks)}

    first, second = two(lambda accelerator: train(accelerator, tmp_path / "two"))
    alone = train(Accelerator(cpu=True), tmp_path / "one")
    assert (first["step"], second["step"], alone["step"]) == (6, 6, 6)
    assert (first["looks"], second["looks"]) == ([2, 4, 6], [])
    assert all(torch.equal(value, second["state"][name]) for name, value in first["state"].items())
    start = moving(new_model().module.state_dict())
    error = (moving(first["state"]) - moving(alone["state"])).norm() / (moving(alone["state"]) - start).norm()
    assert error < 1e-3
    kept = [load_file(tmp_path / out / "state-00000006/state.safetensors") for out in ("two", "one")]
    assert kept[0].keys() == kept[1].keys()
    lines = [(tmp_path / out / "log.jsonl").read_text().splitlines() for out in ("two", "one")]
    assert lines[0] == lines[1] == [json.dumps({"step": step, "hit_rate@1": 0.5}) for step in (2, 4, 6)]


RUN = """
out = "{out}"
steps = 6
batch = 15
warmup = 2
learning_rate = 1e-3
save_every = 4
validate_every = 3

[model.new]
image_size = 24
patch_size = 8
width = 32
image_depth = 1
text_depth = 1
head_width = 16
text_length = 16
vocabulary = 150

[data]
address = "scenes:train-64"
validation = "scenes:validation-40"
language = "en"
captions = "partial"
partials = 1

[memory]
micro = 4

[[losses]]
name = "infonce"
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_torchrun_gives_the_run_of_one_process(tmp_path):
    """The command line, twice: `python -m mirante train` and `torchrun --nproc-per-node 2 -m mirante train`."""
    told, given = {}, os.environ | {"OMP_NUM_THREADS": "1", "MIRANTE_CACHE": str(tmp_path / "cache")}
    starts = {"one": ["-m"], "two": ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]}
    for name, start in starts.items():
        config = tmp_path / f"{name}.toml"
        config.write_text(RUN.format(out=tmp_path / name))
        command = [sys.executable, *start, "mirante", "train", str(config), "--json"]
        done = subprocess.run(command, env=given, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        told[name] = json.loads(done.stdout)
    assert told["two"]["loss"] == pytest.approx(told["one"]["loss"], abs=1e-4)
    assert told["two"]["after"].keys() == told["one"]["after"].keys()
    one, two = (encoders.load(str(tmp_path / name / "checkpoint")) for name in ("one", "two"))
    assert two.encode_texts(SEVEN.texts) == pytest.approx(one.encode_texts(SEVEN.texts), abs=1e-3)
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two")]
    for mine, other in zip(*(map(json.loads, lines) for lines in logs), strict=True):
        assert mine["step"] == other["step"]
        assert mine.get("loss") == pytest.approx(other.get("loss"), abs=1e-3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_nodes_that_meet_by_address_give_the_weights_of_one_process(tmp_path):
    """One command for each node, as the guide gives it; folders are shared, only the first node tells what came out."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = f"--rdzv-backend c10d --rdzv-endpoint 127.0.0.1:{free.getsockname()[1]} --rdzv-id test"
    node = f"-m torch.distributed.run --nnodes 2 --nproc-per-node 1 {meeting} --local-addr 127.0.0.1".split()
    given = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "MIRANTE_CACHE": str(tmp_path / "cache")}
    told = {}
    for name, starts in {"one": [[]], "two": [node, node]}.items():
        config = tmp_path / f"{name}.toml"
        config.write_text(RUN.format(out=tmp_path / name))
        nodes = [
            subprocess.Popen(
                [sys.executable, *start, "-m", "mirante", "train", str(config), "--json"],
                env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
            )
            for start in starts
        ]  # fmt: skip
        said = [one.communicate() for one in nodes]
        assert [one.returncode for one in nodes] == [0] * len(nodes), said
        (told[name],) = (json.loads(out) for out, _ in said if out)
    assert told["two"]["loss"] == pytest.approx(told["one"]["loss"], abs=1e-4)
    one, two = (load_file(tmp_path / name / "checkpoint" / "model.safetensors") for name in ("one", "two"))
    error = (moving(two) - moving(one)).norm() / moving(one).norm()
    assert error < 1e-4
