"""`mirante train` says what happened, and asks the hub before it trains."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import huggingface_hub
import pytest

from mirante import cost, training
from mirante.cli import main
from mirante.cost import Expected, Note
from mirante.training import Parameters, TrainConfig, Training
from mirante.training.snapshot import Measured, Snapshot
from mirante.types import Estimate, Protocol, Provenance

TARGET = Protocol("photos:test", "", "text_to_image", 1000, 5000, 5.0, "shared", 1000)
RETAIN = Protocol("old:test", "", "text_to_image", 300, 300, 1.0, "shared", 300)
RECIPE = """
out = "{out}"
steps = 400
[model]
start = "scenes"
[data]
address = "photos:train"
language = "pt-BR"
validation = "photos:test"
retain = "old:test"
retain_language = "en"
"""


def measured(protocol: Protocol, value: float) -> Measured:
    rank = Estimate(10 - 10 * value, 1, 9)
    low, high = round(value - 0.02, 2), round(value + 0.02, 2)
    return Measured({"hit_rate@1": Estimate(value, low, high), "median_rank": rank}, protocol)


def finished(out: Path) -> Training:
    """A run of 400 steps: the target from 20 % to 70 %, the retained data from 90 % to 80 %."""
    checkpoint = out / "checkpoint"
    checkpoint.mkdir(parents=True, exist_ok=True)
    (checkpoint / "README.md").write_text("# a card\n")
    return Training(
        checkpoint=checkpoint,
        steps=400,
        seconds=1800.0,
        before=Snapshot(measured(TARGET, 0.2), measured(RETAIN, 0.9)),
        after=Snapshot(measured(TARGET, 0.7), measured(RETAIN, 0.8)),
        loss=0.25,
        cost={"hours": 0.5, "usd": 0.25},
        unreadable={},
        parameters=Parameters(500, 2000),
        base=Provenance("scenes", "96df", "p"),
    )


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.format(out=tmp_path / "run"), encoding="utf-8")
    return path


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Training], list[str]]:
    """Let `training.train` give this answer; a list that gets an entry for every call."""
    calls: list[str] = []

    def answer(done: Training) -> list[str]:
        def train(config: TrainConfig, *, restart: bool = False, predicted: object = None) -> Training:
            calls.append("restart" if restart else "train")
            return done

        monkeypatch.setattr(training, "train", train)
        return calls

    answer(finished(tmp_path / "run"))
    return answer


def ran(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    """What the verb prints on standard output, blanks joined, and on standard error."""
    with pytest.raises(SystemExit) as ended:
        main(["train", *(str(one) for one in arguments)])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    assert "Traceback" not in answer.err
    return " ".join(answer.out.split()), answer.err


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "predict", lambda recipe: None)
    monkeypatch.setenv("MIRANTE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "120")


def test_both_sides_stand_before_and_after_with_the_change(recipe: Path, trained: Any, capsys: Any) -> None:
    said, _ = ran(capsys, recipe)
    target, retain = said.index("Target: photos:test (pt-BR)"), said.index("Not to be forgotten: old:test (en)")
    assert "5,000 queries in a gallery of 1,000, 5.0 captions per image" in said[target:retain]
    assert "hit_rate@1 20.0 % [18.0, 22.0] 70.0 % [68.0, 72.0] +50.0 points" in said[target:retain]
    assert "median_rank 8 [1, 9] 3 [1, 9] -5 " in said[target:retain]
    assert "300 queries in a gallery of 300, 1.0 captions per image" in said[retain:]
    assert "hit_rate@1 90.0 % [88.0, 92.0] 80.0 % [78.0, 82.0] -10.0 points" in said[retain:]


def test_it_says_what_was_forgotten_in_one_sentence(recipe: Path, trained: Any, capsys: Any) -> None:
    said, _ = ran(capsys, recipe)
    assert "Forgot: right at rank 1 on the retained data fell from 90.0 % [88.0, 92.0] to 80.0 %" in said
    assert "(-10.0 points)" in said


def test_what_was_kept_is_said_too(recipe: Path, trained: Any, capsys: Any, tmp_path: Path) -> None:
    done = finished(tmp_path / "run")
    trained(replace(done, after=Snapshot(done.after.target, measured(RETAIN, 0.91))))
    assert "Kept: right at rank 1 on the retained data went from 90.0 %" in ran(capsys, recipe)[0]
    trained(replace(done, after=Snapshot(done.after.target, measured(RETAIN, 0.89))))
    assert "Not clear whether it forgot" in ran(capsys, recipe)[0]


def test_it_says_what_it_took_and_where_it_lies(recipe: Path, trained: Any, capsys: Any, tmp_path: Path) -> None:
    said, _ = ran(capsys, recipe)
    assert "400 steps in 1,800 s; 500 of 2,000 parameters trained (25.0 %)" in said
    assert "Cost: 0.5 hours (usd_per_hour" in said
    assert f"Checkpoint: {tmp_path / 'run' / 'checkpoint'}" in said
    assert "Went on" not in said
    assert "Unreadable" not in said
    recipe.write_text("usd_per_hour = 0.5\n" + recipe.read_text())
    assert "Cost: 0.5 hours, 0.25 USD" in ran(capsys, recipe)[0]


def test_a_run_that_went_on_says_from_where(recipe: Path, trained: Any, capsys: Any, tmp_path: Path) -> None:
    trained(replace(finished(tmp_path / "run"), resumed=150))
    assert "Went on from step 150" in ran(capsys, recipe)[0]
    trained(replace(finished(tmp_path / "run"), resumed=400))
    assert "did all its 400 steps; nothing was trained now" in ran(capsys, recipe)[0]


def test_unreadable_pictures_are_counted_and_the_first_named(
    recipe: Path, trained: Any, capsys: Any, tmp_path: Path
) -> None:
    names = {f"{name}.jpg": "truncated" for name in "abcde"}
    trained(replace(finished(tmp_path / "run"), unreadable=names))
    assert "left out of training: 5 (a.jpg, b.jpg, c.jpg and others)" in ran(capsys, recipe)[0]


def test_a_new_model_has_nothing_before_and_nothing_to_forget(
    recipe: Path, trained: Any, capsys: Any, tmp_path: Path
) -> None:
    trained(replace(finished(tmp_path / "run"), before=Snapshot()))
    said, _ = ran(capsys, recipe)
    assert "hit_rate@1 – 70.0 % [68.0, 72.0] –" in said
    assert "orgot:" not in said


def test_restart_is_passed_on(recipe: Path, trained: Any, capsys: Any, tmp_path: Path) -> None:
    calls = trained(finished(tmp_path / "run"))
    ran(capsys, recipe)
    ran(capsys, recipe, "--restart")
    assert calls == ["train", "restart"]


def test_the_document_keeps_its_keys(recipe: Path, trained: Any, capsys: Any, tmp_path: Path) -> None:
    said, _ = ran(capsys, recipe, "--json")
    document = json.loads(said)
    assert document["schema"] == 1
    assert document["checkpoint"] == str(tmp_path / "run" / "checkpoint")
    assert (document["steps"], document["seconds"]) == (400, 1800.0)
    assert document["before"]["hit_rate@1"] == {"value": 0.2, "low": 0.18, "high": 0.22}
    assert document["after"]["hit_rate@1"]["value"] == 0.7
    assert document["retain_before"]["hit_rate@1"]["value"] == 0.9
    assert document["retain_after"]["hit_rate@1"]["value"] == 0.8
    assert document["cost"] == {"hours": 0.5, "usd": 0.25}
    assert document["parameters"] == {"trained": 500, "all": 2000}
    assert (document["resumed"], document["hub"]) == (0, None)


class Hub:
    """The hub's client without a network: writes down what it is asked, and fails where it is told to."""

    asked: list[tuple[Any, ...]]
    fails: dict[str, Exception]

    def __init__(self, token: str) -> None:
        self.asked.append(("token", token))

    def create_repo(self, name: str, **how: Any) -> str:
        self.asked.append(("create", name, how))
        if error := self.fails.get("create"):
            raise error
        return f"https://huggingface.co/{name}"

    def upload_folder(self, *, repo_id: str, folder_path: Path, commit_message: str) -> None:
        self.asked.append(("upload", repo_id, sorted(one.name for one in folder_path.iterdir())))
        if error := self.fails.get("upload"):
            raise error


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> type[Hub]:
    monkeypatch.setattr(Hub, "asked", [], raising=False)
    monkeypatch.setattr(Hub, "fails", {}, raising=False)
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return Hub


def test_what_was_expected_stands_before_the_run_and_beside_what_it_took(
    recipe: Path, trained: Any, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Note("memory_short", {"peak": 9_000_000_000, "free": 4_000_000_000, "device": "cpu"})
    monkeypatch.setattr(cost, "predict", lambda recipe: Expected(0.75, 0.375, 2_500_000_000, (short,)))
    took = {"hours": 0.5, "usd": 0.25, "peak_bytes": 2_000_000_000}
    trained(replace(finished(tmp_path / "run"), cost=took, predicted={"hours": 0.75, "peak_bytes": 2_500_000_000}))
    said, before = ran(capsys, recipe)
    assert "Expected: 45 min, 2.5 GB of memory, 0.38 USD." in before
    assert "It does not fit here: 9.0 GB are needed, 4.0 GB are free (cpu)." in before
    assert "Expected were 45 min and 2.5 GB of memory; it took 30 min and 2.0 GB." in said


@pytest.mark.parametrize(
    ("limit", "reason", "said"),
    [
        (("--budget", "5usd", "--usd-per-hour", "0.5"), "budget", "Stopped after 400 steps: the budget of 5usd does"),
        (("--max-hours", "2"), "max_hours", "Stopped after 400 steps: the limit of 2 hours does not reach"),
    ],
)
def test_a_run_that_a_limit_stopped_says_so_and_is_no_failure(
    recipe: Path, trained: Any, capsys: Any, tmp_path: Path, limit: Any, reason: str, said: str
) -> None:
    trained(replace(finished(tmp_path / "run"), stopped=reason, after=Snapshot()))
    assert said in ran(capsys, recipe, *limit)[0]
    assert json.loads(ran(capsys, recipe, *limit, "--json")[0])["stopped"] == reason


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (("--budget", "5eur"), "above 0, such as 5usd or 0.5usd, not '5eur'"),
        (("--budget", "-5usd", "--usd-per-hour", "1"), "not '-5usd'"),
        (("--budget", "5usd"), "needs the price of an hour"),
        (("--max-hours", "-1"), "max_hours must be above 0, not -1"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_before_the_training(
    recipe: Path, trained: Any, capsys: Any, tmp_path: Path, limit: Any, said: str
) -> None:
    calls = trained(finished(tmp_path / "run"))
    assert said in ran(capsys, recipe, *limit, code=2)[1]
    assert calls == []


def test_the_repository_is_asked_for_before_the_training_and_filled_after(
    recipe: Path, trained: Any, capsys: Any, hub: type[Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = training.train

    def watched(config: TrainConfig, *, restart: bool = False, predicted: object = None) -> Training:
        hub.asked.append(("train",))
        return train(config, restart=restart, predicted=predicted)

    monkeypatch.setattr(training, "train", watched)
    said, _ = ran(capsys, recipe, "--push-to-hub", "ana/clip-pt")
    assert hub.asked == [
        ("token", "hf_secret"),
        ("create", "ana/clip-pt", {"private": True, "exist_ok": True}),
        ("train",),
        ("token", "hf_secret"),
        ("upload", "ana/clip-pt", ["README.md"]),
    ]
    assert "On the hub: https://huggingface.co/ana/clip-pt" in said
    assert json.loads(ran(capsys, recipe, "--push-to-hub", "ana/clip-pt", "--json")[0])["hub"].endswith("ana/clip-pt")


def test_a_run_that_a_limit_stopped_is_not_sent_to_the_hub(
    recipe: Path, trained: Any, capsys: Any, hub: type[Hub], tmp_path: Path
) -> None:
    trained(replace(finished(tmp_path / "run"), stopped="max_hours"))
    said, _ = ran(capsys, recipe, "--push-to-hub", "ana/clip-pt", "--max-hours", "2")
    assert "On the hub" not in said
    assert not [asked for asked in hub.asked if asked[0] == "upload"]


@pytest.mark.parametrize("name", ["clip-pt", "ana/clip/pt", "ana/clip pt", "", "ana/-clip", "/clip"])
def test_a_bad_name_is_refused_before_the_training(
    recipe: Path, trained: Any, capsys: Any, hub: type[Hub], tmp_path: Path, name: str
) -> None:
    calls = trained(finished(tmp_path / "run"))
    assert "OWNER/NAME" in ran(capsys, recipe, "--push-to-hub", name, code=2)[1]
    assert calls == []
    assert hub.asked == []


@pytest.mark.parametrize("token", [None, "", "  "])
def test_without_a_token_nothing_is_trained(
    recipe: Path, trained: Any, capsys: Any, hub: type[Hub], tmp_path: Path, monkeypatch: Any, token: str | None
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    calls = trained(finished(tmp_path / "run"))
    assert "HF_TOKEN is not set" in ran(capsys, recipe, "--push-to-hub", "ana/clip-pt", code=2)[1]
    assert calls == []


@pytest.mark.parametrize("error", [httpx.ConnectError("Name or service not known"), OSError("403 Forbidden")])
def test_no_network_or_no_right_to_write_is_found_out_before_the_training(
    recipe: Path, trained: Any, capsys: Any, hub: type[Hub], tmp_path: Path, error: Exception
) -> None:
    calls = trained(finished(tmp_path / "run"))
    hub.fails["create"] = error
    _, said = ran(capsys, recipe, "--push-to-hub", "ana/clip-pt", code=2)
    assert str(error) in said
    assert "Nothing was trained yet" in said
    assert "hf_secret" not in said
    assert calls == []


def test_adapters_whose_base_nobody_else_has_are_not_sent(
    recipe: Path, trained: Any, capsys: Any, hub: type[Hub], tmp_path: Path
) -> None:
    calls = trained(finished(tmp_path / "run"))
    recipe.write_text(recipe.read_text(encoding="utf-8") + "\n[trained.lora]\nmerge = false\n", encoding="utf-8")
    _, said = ran(capsys, recipe, "--push-to-hub", "ana/clip-pt", code=2)
    assert "base 'scenes', which is not on the hub" in said
    assert "set merge = true" in said
    assert (calls, hub.asked) == ([], [])


def test_an_upload_that_fails_loses_nothing(
    recipe: Path, trained: Any, capsys: Any, hub: type[Hub], tmp_path: Path
) -> None:
    hub.fails["upload"] = httpx.ReadTimeout("timed out")
    said, error = ran(capsys, recipe, "--push-to-hub", "ana/clip-pt", code=1)
    assert "hit_rate@1 20.0 %" in said
    assert f"kept in '{tmp_path / 'run' / 'checkpoint'}'" in error
    assert "run the same command again" in error
    assert (tmp_path / "run" / "checkpoint" / "README.md").is_file()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (('out = "', 'owt = "'), "Did you mean 'out'"),
        (("steps = 400", 'steps = "many"'), "steps must be int, not 'many'"),
        (("steps = 400", "steps = 0"), "steps"),
        (("steps = 400", "steps = 400\nbatch = 1"), "batch must be at least 2, not 1"),
        (("steps = 400", 'steps = 400\nlosses = [{name = "infonse"}]'), "infonce"),
        (("[model]", "[model"), "not valid TOML"),
        (('start = "scenes"', 'start = "scnes"'), "scenes"),
        (("photos:train", "nowhere:train"), "Nothing can be read from 'nowhere:train'"),
        (('start = "scenes"', ""), "exactly one of start"),
    ],
    ids=lambda one: one if isinstance(one, str) else one[1] or one[0],
)
def test_a_wrong_recipe_is_one_message(recipe: Path, capsys: Any, changed: tuple[str, str], said: str) -> None:
    """The data of the recipe are the embedded scenes here, so that only what was changed is wrong."""
    text = recipe.read_text(encoding="utf-8").replace(*changed)
    for given, embedded in (
        ("photos:train", "scenes:train-8"),
        ("photos:test", "scenes:test-8"),
        ("old:test", "scenes:test-8"),
    ):
        text = text.replace(given, embedded)
    recipe.write_text(text, encoding="utf-8")
    answer, error = ran(capsys, recipe, code=2)
    assert said in error
    assert answer == ""


def test_a_missing_recipe_is_one_message(capsys: Any, tmp_path: Path) -> None:
    assert "Check the path" in ran(capsys, tmp_path / "none.toml", code=2)[1]
