"""A TOML file becomes one frozen dataclass, or one clear error."""

from dataclasses import FrozenInstanceError, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from mirante import config
from mirante.errors import UnknownName, UsageError


@dataclass(frozen=True)
class Schedule:
    warmup: int = 10
    shape: Literal["constant", "cosine"] = "cosine"


@dataclass(frozen=True)
class Training:
    model: str
    rate: float = 1e-3
    steps: int = 100
    half: bool = False
    seed: int | None = None
    milestones: tuple[int, ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    stages: tuple[Schedule, ...] = ()
    where: str | int = "cpu"
    extra: dict[str, Any] = field(default_factory=dict)


def build(**data: Any) -> Training:
    return config.build(Training, {"model": "tiny", **data}, "run.toml")


def test_a_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('model = "ação"\nmilestones = [1, 2]\n[schedule]\nwarmup = 3\n', encoding="utf-8")
    assert config.read(path, Training) == Training("ação", milestones=(1, 2), schedule=Schedule(warmup=3))


def test_nothing_is_changed_after_reading() -> None:
    with pytest.raises(FrozenInstanceError):
        build().steps = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"rate": 2}, Training("tiny", rate=2.0)),
        ({"seed": 7}, Training("tiny", seed=7)),
        ({"half": True}, Training("tiny", half=True)),
        ({"where": 0}, Training("tiny", where=0)),
        ({"where": "cuda"}, Training("tiny", where="cuda")),
        ({"extra": {"any": ["thing"]}}, Training("tiny", extra={"any": ["thing"]})),
        ({"schedule": {"shape": "constant"}}, Training("tiny", schedule=Schedule(shape="constant"))),
        ({"stages": [{"warmup": 1}, {}]}, Training("tiny", stages=(Schedule(1), Schedule()))),
    ],
)
def test_values_follow_the_annotations(data: dict[str, Any], expected: Training) -> None:
    built = build(**data)
    assert built == expected
    assert type(built.rate) is float


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"steps": "100"}, "run.toml: steps must be int, not '100'."),
        ({"steps": 1.5}, "run.toml: steps must be int, not 1.5."),
        ({"steps": True}, "run.toml: steps must be int, not True."),
        ({"rate": True}, "run.toml: rate must be float, not True."),
        ({"rate": "fast"}, "run.toml: rate must be float, not 'fast'."),
        ({"half": 1}, "run.toml: half must be bool, not 1."),
        ({"model": 3}, "run.toml: model must be str, not 3."),
        ({"seed": "x"}, "run.toml: seed must be int, not 'x'."),
        ({"milestones": [1, "2"]}, "run.toml: milestones[1] must be int, not '2'."),
        ({"schedule": {"warmup": "3"}}, "run.toml: schedule: warmup must be int, not '3'."),
        ({"stages": [{}, {"warmup": "3"}]}, "run.toml: stages[1]: warmup must be int, not '3'."),
    ],
)
def test_a_wrong_type_is_refused_with_its_place_and_value(data: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(**data)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "start"),
    [
        ({"stesp": 5}, "Unknown key in run.toml 'stesp'. Did you mean 'steps'? Valid: "),
        ({"schedule": {"wramup": 5}}, "Unknown key in run.toml: schedule 'wramup'. Did you mean 'warmup'? Valid: "),
        ({"schedule": {"shape": "cosin"}}, "Unknown run.toml: schedule: shape 'cosin'. Did you mean 'cosine'? Valid: "),
    ],
)
def test_an_unknown_key_or_choice_is_refused_with_the_nearest(data: dict[str, Any], start: str) -> None:
    with pytest.raises(UnknownName) as caught:
        build(**data)
    assert str(caught.value).startswith(start)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(UsageError, match=r"^run\.toml lacks the key 'model': add it\.$"):
        config.build(Training, {}, "run.toml")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"steps = ", "is not valid TOML"), (b'model = "\xff"', "is not valid TOML"), (None, "No such file")],
)
def test_a_file_that_cannot_be_read_is_one_message(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "run.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        config.read(path, Training)
    assert str(path) in str(caught.value)


def test_plain_data_builds_the_same_configuration_again() -> None:
    one = build(milestones=[1, 2], stages=[{"warmup": 1}])
    data = config.plain(one)
    assert data["schedule"] == {"warmup": 10, "shape": "cosine"}
    assert data["milestones"] == (1, 2)
