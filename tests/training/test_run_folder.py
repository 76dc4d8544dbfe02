"""The folder of a run belongs to one run; what was measured once is not measured again."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mirante.errors import StoreError, UsageError
from mirante.training.config import Data, Lora, LossTerm, Memory, Model, NewModel, TrainConfig, Trained
from mirante.training.folder import Folder, material
from mirante.training.snapshot import Measured, Snapshot
from mirante.types import Estimate, Picture, Protocol, Provenance

ALONE = SimpleNamespace(is_main_process=True, wait_for_everyone=lambda: None)
WEIGHTS = {"start": "aaaa", "preprocessing": "bbbb", "pictures": "64 of cccc"}
PROTOCOL = Protocol("scenes:validation-40", "en", "text_to_image", 40, 117, 2.9, "shared", 40)


@pytest.fixture
def config(tmp_path):
    return TrainConfig(str(tmp_path / "run"), Model(start="clip"), Data("scenes:train-64"), steps=9)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "run", ALONE)


def test_the_first_start_writes_what_the_run_is(folder, config, tmp_path):
    folder.claim(config, WEIGHTS, restart=False)
    told = json.loads((tmp_path / "run/run.json").read_text())
    assert told["config"]["data"]["address"] == "scenes:train-64"
    assert told["material"] == WEIGHTS
    assert "torch" in told["environment"]["versions"]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]


def test_the_same_run_may_start_again(folder, config):
    for _ in range(2):
        folder.claim(config, WEIGHTS, restart=False)
    assert folder.checkpoint.name == "checkpoint"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"steps": 10}, r"steps = 9 and not 10"),
        (
            {"data": Data("scenes:train-65", language="en")},
            r"data\.address = 'scenes:train-64' and not 'scenes:train-65'",
        ),
        ({"trained": Trained(lora=Lora())}, r"trained\.lora = None and not \{'rank': 8"),
        ({"memory": Memory(micro=4)}, r"memory\.micro = 0 and not 4"),
        ({"losses": (LossTerm("sigmoid"),)}, r"losses = \[\{'name': 'infonce'"),
        ({"model": Model(new=NewModel())}, r"model\.start = 'clip' and not None"),
    ],
)
def test_another_run_is_refused_by_the_first_setting_that_differs(folder, config, changed, said):
    folder.claim(config, WEIGHTS, restart=False)
    with pytest.raises(
        UsageError, match=f"holds another run, with {said}.*: give this one another `out`, or .*--restart"
    ):
        folder.claim(replace(config, **changed), WEIGHTS, restart=False)


@pytest.mark.parametrize(("part", "now"), [("start", "dddd"), ("preprocessing", "eeee"), ("pictures", "65 of ffff")])
def test_other_weights_or_pictures_under_the_same_names_are_refused(folder, config, part, now):
    folder.claim(config, WEIGHTS, restart=False)
    with pytest.raises(UsageError, match=f"with {part} = '{WEIGHTS[part]}' and not '{now}'"):
        folder.claim(config, WEIGHTS | {part: now}, restart=False)


def test_a_refused_start_leaves_what_the_run_is(folder, config, tmp_path):
    folder.claim(config, WEIGHTS, restart=False)
    with pytest.raises(UsageError, match="another run"):
        folder.claim(replace(config, seed=1), WEIGHTS, restart=False)
    assert json.loads((tmp_path / "run/run.json").read_text())["config"]["seed"] == 0


@pytest.mark.parametrize(
    "changed", [{"save_every": 7}, {"usd_per_hour": 2.5}, {"tensorboard": True}, {"threads": 2}, {"out": "elsewhere"}]
)
def test_what_does_not_change_the_result_may_change(folder, config, tmp_path, changed):
    folder.claim(config, WEIGHTS, restart=False)
    folder.claim(replace(config, **changed), WEIGHTS, restart=False)
    (name,) = changed
    assert json.loads((tmp_path / "run/run.json").read_text())["config"][name] == changed[name]


def test_a_new_start_takes_away_what_the_run_left_and_nothing_else(folder, config, tmp_path):
    run = tmp_path / "run"
    for name in ("state-00000004", ".state.part", "checkpoint", "tensorboard", "plots"):
        (run / name).mkdir(parents=True)
        (run / name / "file").write_text("old")
    for name in ("run.json", "before.json", "after.json", "log.jsonl", "notes.txt"):
        (run / name).write_text("{}")
    folder.claim(config, WEIGHTS, restart=True)
    assert sorted(path.name for path in run.iterdir()) == ["notes.txt", "plots", "run.json"]


def test_material_is_known_by_weights_preprocessing_and_pictures_in_order():
    encoder = SimpleNamespace(provenance=Provenance("clip", revision="aaaa", preprocessing="bbbb"))
    pictures = [Picture(name, f"content of {name}", lambda: None) for name in "xyz"]
    known = material(encoder, pictures, new=False)
    assert (known["start"], known["preprocessing"]) == ("aaaa", "bbbb")
    assert known["pictures"].startswith("3 of ")
    assert material(encoder, pictures, new=False) == known
    assert material(encoder, pictures, new=True)["start"] is None
    assert material(encoder, pictures[::-1], new=False)["pictures"] != known["pictures"]


def measured(value):
    return Snapshot(Measured({"hit_rate@1": Estimate(value, value / 3, value * 2)}, PROTOCOL), None)


def test_what_was_measured_once_is_read_again_to_the_bit(folder):
    made = []

    def measure():
        made.append(1)
        return measured(0.1 + 0.2)

    assert folder.once("before", measure) == folder.once("before", measure) == measured(0.1 + 0.2)
    assert made == [1]


def test_another_process_measures_nothing_and_waits_before_it_reads(folder, tmp_path):
    order = []

    def arrive():
        order.append("waits")
        folder.once("before", lambda: measured(0.25))

    second = Folder(tmp_path / "run", SimpleNamespace(is_main_process=False, wait_for_everyone=arrive))
    assert second.once("before", lambda: order.append("measures")) == measured(0.25)
    assert order == ["waits"]


def test_a_process_waits_for_the_others_even_where_it_finds_the_file(folder, tmp_path):
    folder.once("before", lambda: measured(0.5))
    waits = []
    late = Folder(tmp_path / "run", SimpleNamespace(is_main_process=False, wait_for_everyone=lambda: waits.append(1)))
    late.once("before", lambda: measured(0.5))
    assert waits == [1]


def test_a_full_disk_is_one_error_and_leaves_no_half_file(folder, config, tmp_path, monkeypatch):
    folder.claim(config, WEIGHTS, restart=False)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StoreError, match=r"The disk is full: .*before\.json"):
        folder.once("before", lambda: measured(0.5))
    with pytest.raises(StoreError, match=r"The disk is full: .*run\.json"):
        folder.claim(config, WEIGHTS, restart=False)
    monkeypatch.undo()
    assert folder.once("before", lambda: measured(0.25)) == measured(0.25)
    folder.claim(config, WEIGHTS, restart=False)
