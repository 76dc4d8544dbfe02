"""The doctor turns red when what lies between a text or picture and the network is not what the family needs."""

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from mirante.doctor import golden
from mirante.doctor.findings import Finding
from mirante.encoders._dual import DualEncoder
from mirante.errors import ModelError

ROWS = load_file(golden.HOME)
TOKENS, PIXELS = DualEncoder.tokens, DualEncoder.pixels
OPENED: dict[str, DualEncoder] = {}


def check(name: str, folder: Path) -> list[Finding]:
    return list(golden.compare(name, (ROWS[f"{name}/images"], ROWS[f"{name}/texts"]), folder))


@pytest.fixture
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """A copy of a family's tiny encoder; each is opened once."""

    def get(name: str) -> Any:
        if name not in OPENED:
            OPENED[name] = golden.open_model(name, tmp_path_factory.mktemp("tiny"), "cpu")  # type: ignore[assignment]
        return copy.deepcopy(OPENED[name])

    return get


def texts_with(**changed: Any) -> Callable[[Any, Any], Any]:
    """Texts prepared under other settings of the family."""

    def tokens(encoder: Any, texts: Any) -> Any:
        encoder.texts = replace(encoder.texts, **changed)
        return TOKENS(encoder, texts)

    return tokens


def pictures_with(**changed: Any) -> Callable[[Any, Any], Any]:
    """Pictures prepared under other settings of the family."""

    def pixels(encoder: Any, images: Any) -> Any:
        for name, value in changed.items():
            setattr(encoder.image_processor, name, value)
        return PIXELS(encoder, images)

    return pixels


def padded_to_the_longest(encoder: Any, texts: Any) -> Any:
    """What a tokenizer does by default: to the longest of the batch, not to the length that the model knows."""
    options = {"padding": True, "truncation": True, "return_tensors": "pt", "max_length": encoder.texts.length}
    return {"input_ids": encoder.tokenizer([one.lower() for one in texts], **options)["input_ids"]}


def padded_on_the_left(encoder: Any, texts: Any) -> Any:
    options = {"padding": "max_length", "truncation": True, "return_tensors": "pt", "padding_side": "left"}
    given = encoder.tokenizer([one.lower() for one in texts], max_length=encoder.texts.length, **options)
    return {"input_ids": given["input_ids"]}


def read_at_the_first_token(encoder: Any, tokens: Any) -> Any:
    return encoder.module.text_model(**tokens).last_hidden_state[:, 0, : encoder.dim]


def averaged_over_the_tokens(encoder: Any, tokens: Any) -> Any:
    return encoder.module.text_model(**tokens).last_hidden_state.mean(dim=1)[:, : encoder.dim]


def averaged_over_the_patches(encoder: Any, pixels: Any) -> Any:
    given = {"pixel_values": pixels} if isinstance(pixels, torch.Tensor) else pixels
    return encoder.module.vision_model(**given).last_hidden_state.mean(dim=1)[:, : encoder.dim]


def blue_for_red(encoder: Any, images: Any) -> Any:
    return PIXELS(encoder, [Image.merge("RGB", one.split()[::-1]) for one in images])


def squeezed_to_a_square(encoder: Any, images: Any) -> Any:
    return PIXELS(encoder, [one.resize((32, 32)) for one in images])


IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
CROPPED = {"size": {"shortest_edge": 32}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}}
MISTAKES: list[tuple[str, str, dict[str, Callable[[Any, Any], Any]], str]] = [
    ("padding to the longest", "siglip", {"tokens": padded_to_the_longest}, "texts"),
    ("padding to the longest", "siglip2", {"tokens": padded_to_the_longest}, "texts"),
    ("padding on the left", "siglip", {"tokens": padded_on_the_left}, "texts"),
    ("padding masked", "siglip", {"tokens": texts_with(masked=True)}, "texts"),
    ("case kept", "siglip:gemma", {"tokens": texts_with(lower=False)}, "texts"),
    ("texts cut early", "clip", {"tokens": texts_with(length=8)}, "texts"),
    ("pooling at the first token", "clip", {"text_features": read_at_the_first_token}, "texts"),
    ("pooling over tokens", "siglip", {"text_features": averaged_over_the_tokens}, "texts"),
    ("pooling over patches", "clip", {"image_features": averaged_over_the_patches}, "images"),
    ("pooling over patches", "siglip2", {"image_features": averaged_over_the_patches}, "images"),
    ("nearest neighbour", "clip", {"pixels": pictures_with(resample=0)}, "images"),
    ("another mean and deviation", "clip", {"pixels": pictures_with(**IMAGENET)}, "images"),
    ("another mean and deviation", "siglip", {"pixels": pictures_with(**IMAGENET)}, "images"),
    ("no mean and deviation", "siglip", {"pixels": pictures_with(do_normalize=False)}, "images"),
    ("values up to 255", "siglip", {"pixels": pictures_with(do_rescale=False)}, "images"),
    ("fewer patches", "siglip2", {"pixels": pictures_with(max_num_patches=9)}, "images"),
    ("blue for red", "siglip", {"pixels": blue_for_red}, "images"),
    ("squeezed, not cropped", "clip", {"pixels": squeezed_to_a_square}, "images"),
    ("squeezed, not in proportion", "siglip2", {"pixels": squeezed_to_a_square}, "images"),
]


@pytest.mark.parametrize(
    ("mistake", "name", "changed", "side"), MISTAKES, ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_mistake_is_found_where_it_is(
    mistake: str,
    name: str,
    changed: dict[str, Any],
    side: str,
    opened: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    encoder = opened(name)
    for method, wrong in changed.items():
        monkeypatch.setattr(DualEncoder, method, wrong)
    monkeypatch.setattr(golden, "open_model", lambda *_: encoder)

    (found,) = check(name, tmp_path)

    other = {"images": "texts", "texts": "images"}[side]
    assert (found.level, found.key) == ("wrong", "doctor.golden-differs"), mistake
    assert found.values[side] > 3 * golden.TOLERANCE
    assert found.values[other] < 1e-4
    assert "torch==" in found.words("en")


@pytest.mark.parametrize("name", ["clip", "siglip", "siglip:gemma", "siglip2"])
def test_a_family_without_a_mistake_passes(name: str, tmp_path: Path) -> None:
    (found,) = check(name, tmp_path)
    assert (found.level, found.key) == ("ok", "doctor.golden")
    assert max(found.values["images"], found.values["texts"]) < golden.TOLERANCE / 10


def test_the_embedded_model_and_the_toy_pass(tmp_path: Path) -> None:
    assert [check(name, tmp_path)[0].level for name in ("scenes", "toy")] == ["ok", "ok"]


def test_every_model_of_this_package_has_golden_vectors() -> None:
    """When this fails, run scripts/golden_vectors.py."""
    assert golden.models() == sorted({name.rpartition("/")[0] for name in ROWS})
    assert {"clip", "siglip", "siglip:gemma", "siglip2", "toy", "scenes"} <= set(golden.models())


def test_every_model_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(golden, "compare", lambda name, rows, folder: asked.append((name, len(rows))) or [])
    assert list(golden.look()) == []
    assert asked == [(name, 2) for name in golden.models()]


@pytest.mark.parametrize("name", [key for key in ROWS if not key.startswith("toy")])
def test_golden_rows_tell_their_texts_and_pictures_apart(name: str) -> None:
    apart = np.linalg.norm(ROWS[name][:, None] - ROWS[name][None], axis=-1)
    assert apart[~np.eye(len(ROWS[name]), dtype=bool)].min() > 10 * golden.TOLERANCE
    assert np.linalg.norm(ROWS[name], axis=1) == pytest.approx(1, abs=1e-5)


def test_the_distance_is_that_of_the_worst_row() -> None:
    one = np.array([[1, 0], [0, 1]], np.float32)
    other = np.array([[1, 0], [0.6, 0.8]], np.float32)
    assert golden.distance(one, other) == pytest.approx(math.hypot(0.6, 0.2))
    assert golden.distance(one, one[:, :1]) == math.inf
    assert golden.distance(np.full_like(one, np.nan), one) == math.inf


def test_weights_depend_on_names_alone(tmp_path: Path) -> None:
    first, second = (load_file(written) for written in map(written_by, (tmp_path / "a", tmp_path / "b")))
    names = [name for name in first if name.endswith("self_attn.q_proj.weight")]
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert len({first[name].tobytes() for name in names}) == len(names) == 4
    assert np.abs(first[names[0]]).max() <= math.sqrt(3 / 32)
    assert first["text_model.final_layer_norm.weight"] == pytest.approx(1, abs=0.125)


def written_by(folder: Path) -> Path:
    golden.open_model("clip", folder, "cpu")
    return folder / "clip" / "model.safetensors"


@pytest.mark.parametrize(
    ("error", "level", "said"),
    [
        (ModuleNotFoundError("No module named 'torch'", name="torch"), "warn", "because torch is not installed"),
        (ModelError("the weights are damaged"), "wrong", "ModelError: the weights are damaged"),
        (TypeError("got an unexpected keyword"), "wrong", "TypeError: got an unexpected keyword"),
    ],
)
def test_a_family_that_does_not_open_is_a_finding(
    error: Exception, level: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(golden, "open_model", fails)
    (found,) = check("clip", tmp_path)
    assert found.level == level
    assert said in found.words("en")
