"""A checkpoint that was opened before is opened again only to encode, and never taken for another."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mirante import encoders, registry
from mirante.encoders import Settings, _deferred
from mirante.encoders._deferred import About, Deferred
from mirante.errors import ModelError

PICTURES = [Image.new("RGB", (50, 30), "red"), Image.new("RGB", (30, 50), "blue")]


@pytest.fixture
def address(tmp_path, monkeypatch):
    """A tiny CLIP, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return registry.load("mirante.encoders", "clip").tiny(tmp_path / "model")


def kept(tmp_path):
    return sorted((tmp_path / "cache" / "mirante" / "models").iterdir())


def test_the_second_time_it_is_opened_only_to_encode(address, monkeypatch):
    first = encoders.recall(address)
    whole, opened = encoders.load, []
    monkeypatch.setattr(encoders, "load", lambda *given: opened.append(given) or whole(*given))
    second = encoders.recall(address)

    assert not isinstance(first, Deferred)
    assert isinstance(second, Deferred)
    assert About.of(second) == About.of(first)
    assert (opened, second.device) == ([], None)
    assert np.array_equal(second.encode_images(PICTURES), first.encode_images(PICTURES))
    assert np.array_equal(second.encode_texts(["a red square"]), first.encode_texts(["a red square"]))
    assert len(opened) == 1
    assert second.device.type == "cpu"


@pytest.mark.parametrize("settings", [Settings(dim=8), Settings(precision="bf16"), Settings(decode="reduced")])
def test_another_setting_is_another_memory(address, settings, tmp_path):
    plain, other = encoders.recall(address), encoders.recall(address, settings)

    assert not isinstance(other, Deferred)
    assert len(kept(tmp_path)) == 2
    again = encoders.recall(address, settings)
    assert isinstance(again, Deferred)
    assert About.of(again) == About.of(other) != About.of(plain)


def test_options_of_the_address_are_told_apart(address):
    encoders.recall(address)
    short = encoders.recall(f"{address}#dim=8")

    assert (short.dim, encoders.recall(f"{address}#dim=8").dim, encoders.recall(address).dim) == (8, 8, 24)


def test_changed_files_are_opened_anew(address):
    encoders.recall(address)
    config = Path(address) / "config.json"
    before = config.stat()
    config.write_text(json.dumps(json.loads(config.read_text()) | {"logit_scale_init_value": 1.0}))
    os.utime(config, ns=(before.st_atime_ns, before.st_mtime_ns + 1))

    assert not isinstance(encoders.recall(address), Deferred)


def test_a_memory_that_is_not_whole_is_made_again(address, tmp_path):
    encoders.recall(address)
    (file,) = kept(tmp_path)
    file.write_text(file.read_text()[:-9])

    assert not isinstance(encoders.recall(address), Deferred)
    assert isinstance(encoders.recall(address), Deferred)


def test_without_a_place_to_remember_it_opens_all_the_same(address, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    assert encoders.recall(address).dim == encoders.recall(address).dim == 24


def test_what_turns_out_to_be_another_model_is_refused(address):
    toy = encoders.load("toy")
    forgotten = []
    wrong = Deferred(About.of(toy), lambda: encoders.load(address), lambda: forgotten.append(True))

    with pytest.raises(ModelError, match="is not what it was when it was opened last"):
        wrong.encode_texts(["a red square"])
    assert forgotten == [True]


def test_a_memory_that_was_wrong_is_gone_afterwards(address, tmp_path):
    encoders.recall(address)
    (file,) = kept(tmp_path)
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"dim": told["dim"] + 1}))
    with pytest.raises(ModelError, match="run the same command again"):
        encoders.recall(address).encode_texts(["a red square"])

    assert encoders.recall(address).dim == told["dim"]


def test_options_that_may_name_other_files_are_never_remembered(address, monkeypatch):
    monkeypatch.setattr(encoders, "load", lambda model, settings: (model, settings))

    assert encoders.recall(f"{address}#images=other", Settings()) == (f"{address}#images=other", Settings())


def test_what_has_no_files_is_opened_as_ever(address, monkeypatch):
    monkeypatch.setattr(_deferred, "remembered", lambda *given: pytest.fail("nothing identifies it"))

    assert encoders.recall("toy").provenance == encoders.load("toy").provenance
