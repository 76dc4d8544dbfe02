"""A run that was killed and started again is the run that was never disturbed, to the bit."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from mirante.datasets.scenes import SceneDataset
from mirante.errors import StoreError, TrainingError
from mirante.training import loop, mining, parts, state, task, validation
from mirante.training.batches import PairBatches
from mirante.training.config import Hard, Lora, LossTerm, Memory, Trained
from mirante.training.data import Sets
from mirante.training.loop import Verdict
from mirante.training.pictures import prepare
from mirante.training.state import newest, position

CHANGED = (LossTerm("infonce"), LossTerm("selfsupervision", 0.5))
RUNS = {
    "AdamW, dropped patches, changed views, micro-batches": {
        "losses": CHANGED,
        "drop_patches": 0.5,
        "memory": Memory(micro=5),
    },
    "Muon, several losses": {"optimiser": "muon", "losses": (LossTerm("sigmoid"), LossTerm("neighbours"))},
    "LoRA with dropout": {"trained": Trained(lora=Lora(rank=2, dropout=0.2))},
    "a locked tower, a teacher": {"trained": Trained(image="none"), "losses": (LossTerm("distillation"), *CHANGED[:1])},
    "hard negatives": {"hard": Hard(every=3, neighbours=2)},
}
TIMES = ("pairs/s", "hours", "usd")
"""What no two runs share."""


class Kill(BaseException):
    """The end of a process, wherever it is."""


class Heart:
    """Beats at each pass through the text tower, and stops the process after so many."""

    def __init__(self, module, life):
        self.beats, self._life = 0, life
        module.text_model.register_forward_pre_hook(self)

    def __call__(self, tower, given):
        self.beats += 1
        if self.beats > self._life:
            raise Kill


@pytest.fixture(scope="module")
def pairs(new_model, tmp_path_factory):
    """Scenes as pairs, for the search of hard negatives, and their pixels."""
    found = PairBatches(SceneDataset().pairs("train-64", "en"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIRANTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return prepare(found, new_model())


@pytest.fixture
def start(new_model, batches, pictures, pairs):
    """A process: a new model, trained as `config` says from what an earlier one left; killed after so many beats."""

    def begin(config, life=10**9, **more):
        encoder, accelerator = new_model(), Accelerator(cpu=True)
        data, pixels = (batches, pictures) if config.hard is None else pairs
        torch.manual_seed(config.seed)
        parts.choose(encoder, config.trained)
        for part in encoder.module.modules():
            if isinstance(getattr(part, "dropout", None), float):
                part.dropout = 0.1
        heart = Heart(encoder.module, life)
        search = mining.create(config, data, pixels, accelerator)
        torch.manual_seed(random.randrange(1000))
        given = {"look": judge(encoder, config), **more, "mining": search}
        learns = task.contrastive(config, encoder, pixels, accelerator)
        done = loop.run(config, learns, search or data, accelerator=accelerator, **given)
        return encoder, done, heart.beats

    return begin


def judge(encoder, config):
    """A validation that depends on the weights alone, and keeps the best of them."""

    def look(now):
        with torch.no_grad():
            value = encoder.text_features(encoder.tokens(["a red star"]))[0, 0].sin().item()
        best = now.best is None or value > now.best
        if best:
            torch.save(encoder.module.state_dict(), f"{config.out}/best.pt")
        return Verdict({"value": value}, best, value)

    return look


def left(folder):
    """All that a run left: tensors by name, lines without times, and where it stands."""
    kept = newest(folder)
    tensors = load_file(kept / "state.safetensors") | torch.load(folder / "best.pt")
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    told = [{name: value for name, value in line.items() if name not in TIMES} for line in lines]
    now = position(kept)
    return tensors, told, (now.step, now.loss, now.best, now.stale)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("kind", RUNS)
def test_killed_twice_it_ends_as_if_never_disturbed(start, settings, tmp_path, kind):
    """Nine steps, a state after each second and each validated third; killed half-way and three quarters of it."""
    plain = {"steps": 9, "save_every": 2, "validate_every": 3, **RUNS[kind]}
    out = {name: settings(tmp_path / name, **plain) for name in ("whole", "killed")}
    encoder, _, beats = start(out["whole"])
    for life in (beats // 2, beats // 3):
        with pytest.raises(Kill):
            start(out["killed"], life)
    assert 0 < position(newest(tmp_path / "killed")).step < 9
    resumed, *_ = start(out["killed"])
    assert same(resumed.module.state_dict(), encoder.module.state_dict())
    whole, killed = left(tmp_path / "whole"), left(tmp_path / "killed")
    assert same(killed[0], whole[0])
    assert killed[1:] == whole[1:]
    assert whole[2][0] == 9
    assert [line["step"] for line in whole[1]] == [3, 6, 9, 9]


def test_a_run_that_ended_does_nothing_when_it_is_started_again(start, settings, tmp_path):
    config = settings()
    encoder, done, _ = start(config)
    again, same_end, beats = start(config, life=0)
    assert beats == 0
    assert same_end == done
    assert same(again.module.state_dict(), encoder.module.state_dict())
    assert len((tmp_path / "run/log.jsonl").read_text().splitlines()) == 2


def scripted(values, looks):
    """A validation that finds these values one after the other."""

    def look(now):
        looks.append(now.step)
        value = values[len(looks) - 1]
        return Verdict({}, now.best is None or value > now.best, value)

    return look


def test_it_stops_after_so_many_validations_in_vain(start, settings):
    looks = []
    config = settings(steps=40, validate_every=2, patience=3)
    _, done, _ = start(config, look=scripted([0.1, 0.3, 0.3, 0.2, 0.1, 0.9], looks))
    assert looks == [2, 4, 6, 8, 10]
    assert (done.step, done.best, done.stale) == (10, 0.3, 3)


def test_a_run_that_stopped_early_stays_stopped(start, settings):
    config, looks = settings(steps=40, validate_every=2, patience=1), []
    encoder, done, _ = start(config, look=scripted([0.3, 0.2], looks))
    again, same_end, _ = start(config, life=0, look=scripted([], looks))
    assert done.step == 4
    assert same_end == done
    assert same(again.module.state_dict(), encoder.module.state_dict())


def test_patience_counts_on_through_a_kill(start, settings):
    config, looks, values = settings(steps=40, validate_every=2, patience=2), [], [0.3, 0.2, 0.1]
    with pytest.raises(Kill):
        start(config, 5, look=scripted(values, looks))
    _, done, _ = start(config, look=scripted(values, looks))
    assert looks == [2, 4, 6]
    assert (done.step, done.stale) == (6, 2)


@pytest.fixture
def watched(new_model, settings, tmp_path, run, monkeypatch):
    """Train under `validation.Watch` that finds these values: the weights at each look, the checkpoint, the error."""

    def train(values, **more):
        encoder, seen, finds = new_model(), [], iter(values)

        def measure(model, pairs, *, resamples):
            seen.append({name: value.clone() for name, value in model.module.state_dict().items()})
            estimate = validation_value(next(finds))
            return type("Found", (), {"metrics": {"hit_rate@1": estimate}})()

        monkeypatch.setattr(validation, "measure", measure)
        checkpoint = tmp_path / "run/checkpoint"
        learner = validation.Retrieval(encoder)
        watch = validation.Watch(learner, Sets(None, "pairs", None), "hit_rate@1", lambda: encoder.save(checkpoint))
        error = None
        try:
            run(settings(steps=8, validate_every=2, save_every=1), encoder, look=watch, **more)
        except TrainingError as raised:
            error = raised
        return seen, load_file(checkpoint / "model.safetensors"), error

    return train


def validation_value(value):
    return type("Estimate", (), {"value": value})()


def test_the_checkpoint_is_of_the_best_validation_and_not_of_the_last(watched):
    seen, kept, _ = watched([0.1, 0.4, 0.4, 0.3])
    assert same(kept, seen[1])
    assert not same(kept, seen[3])


def test_after_a_loss_that_is_no_number_the_best_checkpoint_and_the_last_state_are_there(watched, pictures, tmp_path):
    class Spoilt:
        asked = 0

        def batch(self, rows):
            self.asked += 1
            sixth = self.asked == 11  # each batch is read again before its step is kept
            return pictures.batch(rows) * (float("nan") if sixth else 1)

    seen, kept, error = watched([0.4, 0.3], pictures=Spoilt())
    assert str(error).startswith("At step 6 the loss is nan")
    assert "lower learning_rate (0.005)" in str(error)
    assert same(kept, seen[0])
    assert position(newest(tmp_path / "run")).step == 5
    assert all(value.isfinite().all() for value in load_file(newest(tmp_path / "run") / "state.safetensors").values())


def test_a_full_disk_stops_the_run_once_and_it_goes_on_when_there_is_room(start, settings, tmp_path, monkeypatch):
    plain = {"steps": 6, "save_every": 2, "validate_every": 3}
    whole, filled = (settings(tmp_path / name, **plain) for name in ("whole", "filled"))
    encoder, *_ = start(whole)
    writes, write = iter(range(9)), state.save_file

    def full(tensors, path):
        if next(writes) >= 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(tensors, path)

    with monkeypatch.context() as patch:
        patch.setattr(state, "save_file", full)
        with pytest.raises(StoreError, match="The disk is full"):
            start(filled)
    assert position(newest(tmp_path / "filled")).step == 3
    resumed, *_ = start(filled)
    assert same(resumed.module.state_dict(), encoder.module.state_dict())
    assert left(tmp_path / "filled")[1:] == left(tmp_path / "whole")[1:]


PROCESS = """
out = "{out}"
steps = 30
batch = 12
warmup = 4
learning_rate = 2e-3
save_every = 2
validate_every = 7
patience = 9
drop_patches = 0.4
{top}
[memory]
micro = 5
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
[[losses]]
name = "infonce"
{rest}
"""
PROCESSES = {
    "adamw": ("", '[[losses]]\nname = "selfsupervision"\nweight = 0.5'),
    "muon": ('optimiser = "muon"', ""),
    "lora": ("", "[trained.lora]\nrank = 4\ndropout = 0.2"),
}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", PROCESSES)
def test_kill_9_at_any_moment_twice_leaves_what_an_undisturbed_run_leaves(tmp_path, kind):
    given = os.environ | {"OMP_NUM_THREADS": "1", "MIRANTE_CACHE": str(tmp_path / "cache")}
    top, rest = PROCESSES[kind]

    def command(name):
        config = tmp_path / f"{name}.toml"
        config.write_text(PROCESS.format(out=tmp_path / name, top=top, rest=rest))
        return [sys.executable, "-m", "mirante", "train", str(config), "--json"]

    whole = subprocess.run(command("whole"), env=given, capture_output=True, text=True)
    assert whole.returncode == 0, whole.stderr
    steps = [0]
    for later in (6, 14):
        victim = subprocess.Popen(command("killed"), env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while victim.poll() is None and (not newest(tmp_path / "killed") or _step(tmp_path / "killed") < later):
            time.sleep(0.02)
        time.sleep(random.random() / 5)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        steps.append(_step(tmp_path / "killed"))
    assert 0 < steps[1] < steps[2] < 30
    killed = subprocess.run(command("killed"), env=given, capture_output=True, text=True)
    assert killed.returncode == 0, killed.stderr
    files = ("checkpoint/model.safetensors", "state-00000030/state.safetensors")
    for name in files:
        assert same(load_file(tmp_path / "killed" / name), load_file(tmp_path / "whole" / name))
    assert json.loads(killed.stdout)["resumed"] == steps[2]
    assert json.loads(killed.stdout)["after"] == json.loads(whole.stdout)["after"]
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("killed", "whole")]
    told = [[{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines] for lines in logs]
    assert told[0] == told[1]
    now, then = (position(newest(tmp_path / name)) for name in ("killed", "whole"))
    assert (now.loss, now.best, now.stale) == (then.loss, then.best, then.stale)


def _step(folder):
    """Of the newest state; states come and go while we look."""
    while True:
        with suppress(FileNotFoundError):
            return position(newest(folder)).step
