"""Adapters kept apart: a folder that opens as a model together with its base, and only with that base."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from mirante import encoders
from mirante.encoders import Settings, _adapters, _locate, _tiny
from mirante.errors import MissingLibrary, ModelError, UsageError
from mirante.training import parts
from mirante.training.config import Lora, Trained
from mirante.types import Provenance

PICTURES = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green")]
TEXTS = ["a red square", "um cão azul", "three green fish"]
MAKERS = {"clip": _tiny.clip, "siglip": _tiny.siglip, "naflex": _tiny.naflex}


def adapt(address, folder, **lora):
    """A model at `address` whose adapters have been moved at random, and their folder."""
    encoder, trained = encoders.load(address), Trained(lora=Lora(rank=2, merge=False, **lora))
    torch.manual_seed(0)
    parts.choose(encoder, trained)
    with torch.no_grad():
        for value in encoder.module.parameters():
            value.add_(0.05 * torch.randn_like(value) if value.requires_grad else 0)
        encoder.module.logit_scale.fill_(1.5)
    parts.save(encoder, trained, folder)
    return encoder


def rows(encoder):
    return encoder.encode_images(PICTURES), encoder.encode_texts(TEXTS)


@pytest.fixture
def made(tmp_path):
    """A CLIP in `base`, the model with adapters, and these in `adapters`."""
    base, folder = _tiny.clip(tmp_path / "base"), tmp_path / "adapters"
    return Path(base), adapt(base, folder), folder


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("clip", {}),
        ("clip", {"layers": ("token_embedding", "fc1"), "alpha": 5.0}),
        ("siglip", {"dora": True}),
        ("naflex", {}),
    ],
)
def test_a_folder_of_adapters_opens_as_the_model_in_training(tmp_path, family, settings):
    base = MAKERS[family](tmp_path / "base")
    encoder = adapt(base, tmp_path / "adapters", **settings)
    opened = encoders.load(str(tmp_path / "adapters"))
    assert not opened.module.training
    assert "lora" not in " ".join(opened.module.state_dict())
    for one, same, start in zip(rows(opened), rows(encoder), rows(encoders.load(base)), strict=True):
        np.testing.assert_allclose(one, same, atol=1e-5)
        assert np.abs(one - start).max() > 1e-3


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("dora", [False, True])
def test_peft_itself_opens_it_to_the_same_rows_and_scale(tmp_path, dora):
    import peft
    from transformers import CLIPModel

    base = _tiny.clip(tmp_path / "base")
    adapt(base, tmp_path / "adapters", dora=dora, layers=("token_embedding", "q_proj", "fc2"))
    opened, peer = encoders.load(str(tmp_path / "adapters")), encoders.load(base)
    peer.module = peft.PeftModel.from_pretrained(CLIPModel.from_pretrained(base), tmp_path / "adapters").eval()
    for ours, theirs in zip(rows(opened), rows(peer), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert peer.module.logit_scale.item() == opened.module.logit_scale.item() == 1.5


def test_the_folder_holds_no_weights_of_the_base(made):
    base, _, folder = made
    names = {path.name for path in folder.iterdir()}
    assert names >= {"adapter_config.json", "adapter_model.safetensors", "base.json", "config.json", "tokenizer.json"}
    assert "model.safetensors" not in names
    assert (folder / "adapter_model.safetensors").stat().st_size < (base / "model.safetensors").stat().st_size / 2


def test_it_says_its_base_by_place_revision_and_preprocessing(made):
    base, encoder, folder = made
    assert json.loads((folder / "base.json").read_text()) == {
        "model": str(base.resolve()),
        "revision": encoder.provenance.revision,
        "preprocessing": encoder.provenance.preprocessing,
    }


def test_its_provenance_is_its_own_with_the_preprocessing_of_the_base(made):
    base, _, folder = made
    opened, start = encoders.load(str(folder)).provenance, encoders.load(str(base)).provenance
    assert opened.model == str(folder)
    assert opened.revision != start.revision
    assert opened.preprocessing == start.preprocessing
    assert opened == encoders.load(str(folder)).provenance


def test_opening_draws_no_random_number(made):
    torch.manual_seed(3)
    encoders.load(str(made[2]))
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(1), after)


def test_it_opens_in_half_precision(made):
    opened = encoders.load(str(made[2]), Settings(precision="bf16"))
    assert opened.module.dtype is torch.bfloat16
    assert opened.provenance.revision == encoders.load(str(made[2])).provenance.revision
    np.testing.assert_allclose(rows(opened)[1], rows(made[1])[1], atol=0.03)


def test_a_base_in_the_working_folder_is_found_from_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _tiny.clip(Path("base"))
    encoder = adapt("base", tmp_path / "adapters")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    np.testing.assert_allclose(rows(encoders.load(str(tmp_path / "adapters")))[0], rows(encoder)[0], atol=1e-5)


def test_adapters_on_adapters_open_too(made, tmp_path):
    above = adapt(str(made[2]), tmp_path / "above", layers=("fc1",))
    opened = encoders.load(str(tmp_path / "above"))
    np.testing.assert_allclose(rows(opened)[0], rows(above)[0], atol=1e-5)


def test_a_base_that_has_changed_is_refused(made):
    base, _, folder = made
    state = load_file(base / "model.safetensors")
    state["logit_scale"] += 1
    save_file(state, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"were trained on revision [0-9a-f]{16} of .*, which is now [0-9a-f]{16}"):
        encoders.load(str(folder))


def test_a_base_that_was_moved_is_named_and_opens_from_its_new_place(made):
    base, _, folder = made
    before = encoders.load(str(folder)).provenance
    base.rename(base.with_name("moved"))
    with pytest.raises(ModelError, match=r"base '.*base' cannot be opened .* its new place as `model` in base.json"):
        encoders.load(str(folder))
    told = json.loads((folder / "base.json").read_text())
    (folder / "base.json").write_text(json.dumps(told | {"model": str(base.with_name("moved"))}))
    assert encoders.load(str(folder)).provenance == before


def test_the_same_adapters_on_another_base_are_another_model(made):
    base, _, folder = made
    before = encoders.load(str(folder)).provenance
    state = load_file(base / "model.safetensors")
    state["logit_scale"] += 1
    save_file(state, base / "model.safetensors", metadata={"format": "pt"})
    told = json.loads((folder / "base.json").read_text())
    now = encoders.load(str(base)).provenance.revision
    (folder / "base.json").write_text(json.dumps(told | {"revision": now}))
    assert not encoders.load(str(folder)).provenance.same_space(before)


@pytest.mark.parametrize("model", ["owner/name", "owner/name@main", "owner/name@0123abc"])
def test_a_base_of_the_hub_is_pinned_to_its_commit(model):
    assert _adapters.base(Provenance(model, "9f8e7d", "p")) == _adapters.Base("owner/name", "9f8e7d", "p")


def test_an_embedded_base_is_kept_by_its_name():
    assert _adapters.base(Provenance("scenes", "9f8e7d", "p")).model == "scenes"


def test_a_base_of_the_hub_is_opened_at_its_commit(made, monkeypatch):
    base, encoder, folder = made
    asked = []

    def from_hub(name, revision):
        asked.append((name, revision))
        return _locate.Located(f"{name}@{revision}", base, revision)

    monkeypatch.setattr(_locate, "_from_hub", from_hub)
    (folder / "base.json").write_text(json.dumps({"model": "owner/name", "revision": "9f8e", "preprocessing": "p"}))
    np.testing.assert_allclose(rows(encoders.load(str(folder)))[0], rows(encoder)[0], atol=1e-5)
    assert ("owner/name", "9f8e") in asked


def test_a_base_that_no_later_program_could_open_is_refused_before_training(tmp_path):
    encoder = encoders.load(_tiny.clip(tmp_path / "gone"))
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(UsageError, match="start from a checkpoint, or set merge = true"):
        parts.choose(encoder, Trained(lora=Lora(merge=False)))


def change(folder, **settings):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def weights(folder, keep):
    path = folder / "adapter_model.safetensors"
    save_file({name: value for name, value in load_file(path).items() if keep(name)}, path)


DAMAGE = {
    "cut weights": (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"cut"), "The adapters of"),
    "lost weights": (lambda folder: (folder / "adapter_model.safetensors").unlink(), "The adapters of"),
    "a lost layer": (lambda folder: weights(folder, lambda name: "layers.1" not in name), "other layers than the base"),
    "another rank": (lambda folder: change(folder, r=3), "The adapters of"),
    "fewer layers": (lambda folder: change(folder, target_modules=["fc1"]), "other layers than the base"),
    "another kind": (lambda folder: change(folder, peft_type="IA3"), "peft_type is 'IA3', and only 'LORA' is opened"),
    "no settings": (lambda folder: (folder / "adapter_config.json").write_text("{}"), "The adapters of"),
    "no base": (lambda folder: (folder / "base.json").unlink(), "base.json, which names the base"),
    "an odd base": (lambda folder: (folder / "base.json").write_text('{"name": 1}'), "base.json, which names the base"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_folder_is_one_clear_error(made, damage):
    spoil, message = DAMAGE[damage]
    spoil(made[2])
    with pytest.raises(ModelError, match=message):
        encoders.load(str(made[2]))


def test_without_peft_the_message_says_how_to_get_it(made, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(MissingLibrary, match=r"needs 'peft'.*pip install 'mirante\[train\]'"):
        encoders.load(str(made[2]))
