"""An estimate from end to end: its parts agree with each other, with published figures and with a run."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mirante import cost
from mirante.cli import main
from mirante.cost import devices, notes, trial
from mirante.cost.devices import Device
from mirante.cost.gpus import GIB, Gpu, load, named
from mirante.cost.hours import launches
from mirante.cost.shapes import Tower
from mirante.cost.trial import Tried
from mirante.cost.work import forward
from mirante.errors import MiranteError, TrainingError, UsageError
from mirante.rerankers._guiding import Guiding
from mirante.training import TrainConfig, read_config, spending
from mirante.training.config import Data, Elip, Lora, Memory, Model, NewModel, Trained

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SMALL = NewModel(24, 8, 32, 1, 1, head_width=16, text_length=16, vocabulary=150)
SLOW = Gpu("Slow", memory=1.0, fp32=1e-3, half=1e-3, usd_per_hour=2.0, source="here", date="2026-11-21")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> Device:
    """A processor of 100 GFLOPS with 16 GB, 12 of them free."""
    made = Device("cpu", "cpu", 16 * 10**9, 12 * 10**9, 1e11, 8e9)
    monkeypatch.setattr(cost, "present", lambda precision, threads: made)
    monkeypatch.setattr(cost.os, "cpu_count", lambda: 2)
    return made


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    return TrainConfig(
        str(tmp_path / "run"), Model(new=SMALL), Data("scenes:train-64", language="en"), steps=50, batch=16
    )


def tried(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> list[int]:
    """Let every trial give this; the batches that were tried."""
    batches: list[int] = []
    plain = {"steps": 5, "seconds": 0.5, "processor": 0.8, "peak": 700_000_000, "trained": 40_000, "parameters": 50_000}

    def run(config: TrainConfig, batch: int) -> Tried:
        batches.append(batch)
        return Tried(**{**plain, "batch": batch, "texts": 1.0, "first": 0.0, "saving": 0.0, "prepare": None, **changed})

    monkeypatch.setattr(trial, "run", run)
    return batches


def test_what_she_measured_is_within_reach() -> None:
    """Fine-tuning 30k pictures took her 0.5 h at 0.5 USD an hour, the price of a consumer card of 24 GB then."""
    told = cost.estimate(read_config(CONFIGS / "flickr30k-pt-clip-l14-hers.toml"), probe=False)
    rows = {row.name: row for row in told.rows}
    assert rows["RTX 4090"].hours < 0.5 < rows["RTX 3090"].hours
    assert rows["RTX 4090"].hours > 0.25
    assert rows["RTX 3090"].hours < 1.0
    assert all(row.usd == pytest.approx(row.hours * row.usd_per_hour) for row in told.rows)


def test_blip_on_a_t4_is_as_fast_as_was_measured() -> None:
    """13.5 pictures a second: ViT-B/16 at 384 pixels, and a decoder of 12 layers that looks at its 577 tokens."""
    image = forward(Tower(577, 768, 12, 3072, 12, 12))
    text = forward(Tower(30, 768, 12, 3072, 12, 12, products=12 * (2 * 577 + 2 * 30) * 768**2))
    speed = named("T4", load()).speed("fp32")
    assert speed / (3 * (image + text)) == pytest.approx(13.5, rel=0.25)


def test_three_times_the_pictures_take_three_times_as_long() -> None:
    """As 100k took her 1.5 h and 30k 0.5 h, but for what is done once."""
    config = read_config(CONFIGS / "flickr30k-pt-clip-l14-hers.toml")
    few, many = (
        cost.estimate(
            replace(config, data=replace(config.data, address="hf:ana/much", limit=count, retain=None)), probe=False
        )
        for count in (30_000, 90_000)
    )
    assert many.rows[1].hours / few.rows[1].hours == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_has_an_estimate(path: Path) -> None:
    config = read_config(path)
    if config.model.start and config.model.start.startswith("runs/"):
        config = replace(config, model=Model(start="scenes"))
    told = cost.estimate(config, probe=False)
    assert told.memory.peak <= sum(told.memory.parts.values()) * 1.5
    assert told.disk.peak >= sum(told.disk.parts.values())
    assert told.hours == pytest.approx(sum(told.seconds.values()) / 3600)
    assert json.loads(json.dumps(told.to_dict()))["schema"] == 1


def test_a_guide_is_all_that_is_trained_and_kept(config: TrainConfig) -> None:
    config = replace(config, model=Model(start="scenes"))
    whole = cost.estimate(config, probe=False)
    guided = cost.estimate(replace(config, elip=Elip(Guiding(prompts=2, width=8))), probe=False)
    assert guided.parameters.trained == guided.parameters.all - whole.parameters.all
    assert guided.disk.parts["checkpoint"] == 4 * guided.parameters.trained
    more = cost.estimate(replace(config, elip=Elip(Guiding(prompts=2, width=8), candidates=2)), probe=False)
    assert more.flops < guided.flops


def test_money_is_hours_at_a_price(config: TrainConfig) -> None:
    assert cost.estimate(config, probe=False).usd is None
    told = cost.estimate(config, probe=False, usd_per_hour=3.0)
    assert told.usd == pytest.approx(3 * told.hours)
    assert cost.estimate(replace(config, usd_per_hour=2.0), probe=False).usd == pytest.approx(2 * told.hours)


def test_a_gpu_s_row_by_hand(config: TrainConfig) -> None:
    """Sixty per cent of a thousandth of a TFLOPS; ten seconds to start, 64 pictures over eight cores, a state."""
    told = cost.estimate(config, probe=False, gpus=(SLOW,))
    (row,) = told.rows
    state = told.flops / 50 / 0.6e9 / 3 + 12 * told.parameters.trained / 3e8
    assert row.hours * 3600 == pytest.approx(told.flops / 0.6e9 + 10 + 64 * 0.01 / 8 + state, rel=1e-6)
    assert row.fits
    assert not cost.estimate(config, probe=False, gpus=(replace(SLOW, memory=0.5),)).rows[0].fits
    assert told.memory.peak < GIB
    need = row.peak / GIB
    assert cost.estimate(config, probe=False, gpus=(replace(SLOW, memory=1.01 * need),)).rows[0].fits
    assert not cost.estimate(config, probe=False, gpus=(replace(SLOW, memory=0.99 * need),)).rows[0].fits


def test_work_is_handed_to_a_gpu_no_faster_than_it_takes_it(config: TrainConfig) -> None:
    fast = replace(SLOW, fp32=1e6, half=1e6)
    told = cost.estimate(config, probe=False, gpus=(fast,))
    plan = cost._plan(config)
    assert launches(plan.work) == pytest.approx(0.002)
    assert told.rows[0].hours * 3600 == pytest.approx(
        10 + 64 * 0.01 / 8 + (50 + 1 / 3) * 0.002 + 12 * told.parameters.trained / 3e8
    )


def test_a_trial_corrects_time_memory_and_parameters(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = tried(monkeypatch)
    told, alone = cost.estimate(config), cost.estimate(config, probe=False)
    assert batches == [16]
    assert (told.step_seconds, told.seconds["training"]) == (pytest.approx(0.5), pytest.approx(25.0))
    assert (told.parameters.trained, told.parameters.all) == (40_000, 50_000)
    assert told.memory.peak == 700_000_000 + 3 * 24**2 * (64 - 16)
    assert told.trial is not None
    assert told.trial.time_factor == pytest.approx(0.5 / alone.step_seconds, rel=0.5)
    assert "not_tried" in {note.key for note in alone.notes}
    assert "not_tried" not in {note.key for note in told.notes}


def test_of_a_batch_that_takes_too_long_a_part_is_tried(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch eight times too large is halved three times; time and memory are carried up to the whole."""
    heavy = replace(config, model=Model(start="openai/clip-vit-base-patch32"), batch=64)
    batches = tried(monkeypatch, seconds=4.0, trained=151_277_312, parameters=151_277_313, peak=4_000_000_000)
    told = cost.estimate(heavy)
    (part,) = batches
    assert 2 < part < 64
    assert told.trial is not None
    assert told.trial.batch == part
    assert told.step_seconds == pytest.approx(4.0 * 64 / part, rel=0.3)
    assert told.memory.peak > 4_000_000_000
    assert {note.key: note.values for note in told.notes}["part_tried"] == {"tried": part, "batch": 64}


def test_a_batch_that_does_not_fit_is_not_tried(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, machine: Any
) -> None:
    monkeypatch.setattr(cost, "present", lambda precision, threads: replace(machine, free=650_000_000, speed=1e15))
    large = replace(config, batch=16384)
    batches = tried(monkeypatch)
    told = cost.estimate(large)
    assert batches[0] < 16384
    assert "memory_short" in {note.key for note in told.notes}


def test_the_notes_say_what_is_not_here(tmp_path: Path) -> None:
    start = Model(start="google/siglip-base-patch16-224")
    config = TrainConfig(str(tmp_path), start, Data("hf:apple/DataCompDR-12M:train"), steps=9, batch=8)
    told = cost.estimate(replace(config, memory=Memory(precision="bf16")), probe=False)
    assert [note.key for note in told.notes][:2] == ["large_download", "data_known"]
    assert {"disk_short", "weights_absent", "gpus_assumed", "no_bf16"} <= {note.key for note in told.notes}
    assert told.disk.parts["data"] == 2 * 10**12


def test_epochs_of_nobody_knows_how_many_pictures_are_refused(config: TrainConfig) -> None:
    unknown = replace(config, steps=0, epochs=2.0, data=Data("hf:ana/unknown"))
    with pytest.raises(UsageError, match=r"Nothing says how many pictures 'hf:ana/unknown' has.*data\.limit"):
        cost.estimate(unknown, probe=False)
    limited = replace(unknown, data=replace(unknown.data, limit=160))
    assert cost.estimate(limited, probe=False).steps == 20


def test_an_estimate_is_kept_for_the_run_that_it_is_of(config: TrainConfig) -> None:
    told = cost.estimate(config, probe=False)
    cost.remember(config, told)
    assert cost.recall(config) == told.expected()
    assert cost.recall(replace(config, usd_per_hour=2.0, max_hours=1.0)).usd == pytest.approx(2 * told.hours)  # type: ignore[union-attr]
    assert cost.recall(replace(config, batch=8)) is None
    assert cost.predict(config) == told.expected()


def test_a_run_without_an_estimate_is_not_held_back(tmp_path: Path) -> None:
    assert cost.predict(TrainConfig(str(tmp_path), Model(start="nobody"), Data("nothing"), steps=5)) is None


@pytest.mark.slow
def test_a_trial_that_fails_says_why(config: TrainConfig) -> None:
    wrong = replace(config, trained=Trained(lora=Lora(rank=-1)))
    with pytest.raises(
        TrainingError, match=r"The trial of batches of 16 failed \(.*rank.*\): mend that, or .*--no-probe"
    ):
        trial.run(wrong, 16, seconds=0.1)


@pytest.mark.slow
def test_a_real_trial_of_a_real_run(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parameters are those of the run; its steps are many, for they are short."""
    from mirante.training import train

    found = trial.run(config, 16, seconds=1.0)
    monkeypatch.setenv("MIRANTE_CACHE", config.out)
    done = train(replace(config, steps=3))
    assert (found.trained, found.parameters) == (done.parameters.trained, done.parameters.all)
    assert found.steps > 3
    assert 0.3 < found.peak / done.cost["peak_bytes"] < 3
    assert found.prepare is not None


@pytest.mark.slow
def test_a_model_that_is_not_here_is_tried_by_its_shape(config: TrainConfig) -> None:
    """ViT-B/32 with random weights, on captions that are made up."""
    there = replace(config, model=Model(start="openai/clip-vit-base-patch32"), data=Data("hf:ana/much"))
    found = trial.run(there, 2, seconds=0.1)
    assert (found.steps, found.parameters, found.prepare) == (1, 151_277_313, None)
    assert found.peak > 4 * 4 * found.parameters


def test_this_machine_multiplies_and_has_memory() -> None:
    here = devices.present()
    assert here.speed > 1e8
    assert 0 < here.free <= here.memory


def ran(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["estimate", *(str(one) for one in arguments)])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    return " ".join(answer.out.split()), answer.err


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "120")
    path = tmp_path / "recipe.toml"
    path.write_text(
        f'out = "{tmp_path / "run"}"\nsteps = 50\n[model]\nstart = "openai/clip-vit-base-patch32"\n'
        '[data]\naddress = "hf:apple/DataCompDR-12M:train"\n',
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    ("lang", "first", "parameters", "note"),
    [
        ("en", "Before it begins, this run downloads about 1.0 TB", "Parameters: 151,277,313", "By arithmetic alone"),
        ("pt", "Antes de começar, este treino baixa cerca de 1,0 TB", "Parâmetros: 151.277.313", "Só pela aritmética"),
    ],
)
def test_people_read_the_download_first_then_the_figures(
    recipe: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, lang: str, first: str, parameters: str, note: str
) -> None:
    monkeypatch.setenv("MIRANTE_LANG", lang)
    said, _ = ran(capsys, recipe, "--no-probe", "--gpu", "t4", "--usd-per-hour", "0.5")
    assert said.startswith(first)
    assert parameters in said
    assert "T4" in said
    assert "RTX" not in said
    assert note in said
    assert "AWS EC2 g4dn.xlarge" in said


def test_the_document_is_one_and_whole(recipe: Path, capsys: Any, tmp_path: Path) -> None:
    told = json.loads(ran(capsys, recipe, "--no-probe", "--json")[0])
    assert (told["schema"], told["parameters"]["all"], told["trial"]) == (1, 151_277_313, None)
    assert {row["name"] for row in told["rows"]} == {gpu.name for gpu in load()}
    assert (tmp_path / "run" / "estimate.json").is_file()


def test_a_gpu_that_is_not_in_the_table_is_a_wrong_call(recipe: Path, capsys: Any) -> None:
    assert "Unknown GPU 'T5'" in ran(capsys, recipe, "--no-probe", "--gpu", "T5", code=2)[1]
    assert issubclass(UsageError, MiranteError)


@pytest.mark.parametrize(("each", "steps"), [(0.5, 20), (4.0, 3), (10.0, 3), (20.0, 2), (50.0, 1)])
def test_a_trial_has_three_steps_unless_they_take_too_long(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch, each: float, steps: int
) -> None:
    """Ten seconds are enough; three steps are asked for, as the first is slow, but not beyond forty."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(spending, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(trial, "time", SimpleNamespace(monotonic=lambda: clock.now))
    until = trial._Until(config, SimpleNamespace(), 10.0)  # type: ignore[arg-type]
    done = 0
    while not until.spent():
        clock.now += each
        done += 1
    assert done == steps


def test_the_first_step_counts_only_where_it_is_the_only_one() -> None:
    assert trial._typical([0.0, 9.0, 10.0, 12.0]) == 1.5
    assert trial._typical([0.0, 9.0]) == 9.0
    assert trial._typical([0.0]) is None


def test_pictures_that_can_be_given_back_do_not_make_memory_short(machine: Device, tmp_path: Path) -> None:
    """Of 4,000,000 prepared pictures of 24 × 24 pixels the system keeps what it can: 6.9 GB, but none is needed."""
    data = Data("hf:ana/much", limit=4_000_000)
    config = TrainConfig(str(tmp_path), Model(new=SMALL), data, steps=0, epochs=1.0, batch=16)
    plan, free = cost._plan(config), replace(machine, free=2 * 10**9)
    need = cost.memory.need(config, plan.shape, plan.work, processor=True, pictures=plan.pictures)
    keys = {note.key for note in notes.of(plan, free, need, need, trial=None, table=())}
    assert need.peak > free.free
    assert "memory_short" not in keys
    assert "memory_short" in {
        note.key for note in notes.of(plan, replace(free, free=10**8), need, need, trial=None, table=())
    }
