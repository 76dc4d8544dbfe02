"""Opening a model by folder, hub id or name, and what is said when it cannot be opened."""

import errno
import json
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mirante import encoders, registry
from mirante.encoders import Settings, _locate, clip, siglip
from mirante.errors import MissingLibrary, ModelError, StoreError, UnknownName, UsageError

TEXTS = ["a red square", "um cão azul"]


@pytest.fixture
def checkpoint(tmp_path):
    return siglip.tiny(tmp_path / "model")


def test_the_family_is_known_by_the_configuration_not_by_the_name(tmp_path):
    misleading = clip.tiny(tmp_path / "siglip-toy")
    assert type(encoders.load(misleading).module).__name__ == "CLIPModel"


def test_an_unknown_name_says_what_would_have_worked():
    with pytest.raises(UnknownName, match=r"'toi'.*Did you mean 'toy'.*config\.json, or a hub id") as caught:
        encoders.load("toi")
    assert caught.value.exit_code == 2
    assert "toy" in caught.value.valid


def test_a_folder_without_configuration_says_so(tmp_path):
    with pytest.raises(UsageError, match=r"holds no config\.json"):
        encoders.load(str(tmp_path))


def test_an_unsupported_type_names_the_supported_ones(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "whisper"}')
    with pytest.raises(ModelError, match=r"'whisper'.*use a model of type blip, .*clip, .*siglip, siglip2"):
        encoders.load(str(tmp_path))


@pytest.mark.parametrize("text", ["{", "[]", '{"hidden_size": 4}'])
def test_a_configuration_that_names_no_type_is_refused(text, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json of"):
        encoders.load(str(tmp_path))


def test_pickled_weights_are_never_opened(checkpoint, tmp_path):
    state = load_file(tmp_path / "model" / "model.safetensors")
    torch.save(state, tmp_path / "model" / "pytorch_model.bin")
    (tmp_path / "model" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"only pickled weights \(pytorch_model\.bin\).*safetensors"):
        encoders.load(checkpoint)


def test_truncated_weights_are_one_clear_error(checkpoint, tmp_path):
    path = tmp_path / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"weights of .* cannot be read"):
        encoders.load(checkpoint)


def test_an_incomplete_checkpoint_is_refused_rather_than_filled_with_random_numbers(checkpoint, tmp_path):
    path = tmp_path / "model" / "model.safetensors"
    state = load_file(path)
    del state["text_model.head.weight"]
    save_file(state, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks 1 weights, first 'text_model\.head\.weight'"):
        encoders.load(checkpoint)


def test_weights_of_other_shapes_are_refused(checkpoint, tmp_path):
    path = tmp_path / "model" / "model.safetensors"
    state = load_file(path)
    state["text_model.head.weight"] = torch.zeros(3, 3)
    save_file(state, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"weights of .* cannot be read"):
        encoders.load(checkpoint)


@pytest.mark.parametrize(("file", "what"), [("tokenizer.json", "tokenizer"), ("preprocessor_config.json", "preproc")])
def test_a_damaged_file_is_named(file, what, checkpoint, tmp_path):
    (tmp_path / "model" / file).write_text("{")
    with pytest.raises(ModelError, match=f"The {what}.* cannot be read"):
        encoders.load(checkpoint)


def test_an_unknown_device_says_which_there_are(checkpoint):
    with pytest.raises(UsageError, match=r"'abacus' cannot be used.*auto, cpu, cuda"):
        encoders.load(checkpoint, Settings(device="abacus"))


def test_a_missing_library_says_how_to_install_it(checkpoint, monkeypatch):
    for name in ("clip", "siglip", "siglip2"):
        monkeypatch.delitem(sys.modules, f"mirante.encoders.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingLibrary, match=r"'transformers'.*pip install 'mirante\[torch\]'"):
        encoders.load(checkpoint)


def test_a_tokenizer_that_needs_sentencepiece_says_so(checkpoint, monkeypatch):
    """As the first SigLIP's does."""

    def from_pretrained(folder, **options):
        raise ImportError("SiglipTokenizer requires the SentencePiece library")

    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", from_pretrained)
    with pytest.raises(MissingLibrary, match=r"The tokenizer of .*pip install 'mirante\[torch\]'"):
        encoders.load(checkpoint)


def test_toy_needs_no_library_and_loads_none():
    import subprocess

    code = "import sys; from mirante import encoders; encoders.load('toy'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class TestEmbedded:
    """A folder under `mirante/embedded` is opened by its name."""

    @pytest.fixture(autouse=True)
    def _shipped(self, tmp_path, monkeypatch):
        siglip.tiny(tmp_path / "embedded" / "vista")
        monkeypatch.setattr(_locate, "files", lambda package: tmp_path)

    def test_its_address_is_its_name(self):
        encoder = encoders.load("vista")
        assert encoder.provenance.model == "vista"
        assert len(encoder.provenance.revision) == 16

    def test_a_misspelt_name_is_set_right(self):
        with pytest.raises(UnknownName, match="Did you mean 'vista'"):
            encoders.load("vist")


class TestHub:
    """The hub's client is replaced by one that gives a local folder, or fails."""

    @pytest.fixture
    def hub(self, monkeypatch, tmp_path):
        asked = []

        def snapshot_download(name, **options):
            asked.append((name, options["revision"]))
            return str(tmp_path / "0123456789abcdef")

        monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot_download))
        return asked

    @pytest.fixture
    def snapshot(self, tmp_path):
        return siglip.tiny(tmp_path / "0123456789abcdef")

    @pytest.mark.parametrize(
        ("model", "settings", "asked", "address"),
        [
            ("owner/name", Settings(), ("owner/name", None), "owner/name"),
            ("owner/name@v1", Settings(), ("owner/name", "v1"), "owner/name@v1"),
            ("owner/name", Settings(revision="v2"), ("owner/name", "v2"), "owner/name@v2"),
            ("owner/name@v1", Settings(revision="v2"), ("owner/name", "v1"), "owner/name@v1"),
        ],
    )
    def test_the_commit_is_the_revision_and_the_address_opens_it_again(
        self, hub, snapshot, model, settings, asked, address
    ):
        encoder = encoders.load(model, settings)
        assert hub == [asked]
        assert (encoder.provenance.model, encoder.provenance.revision) == (address, "0123456789abcdef")

    def test_pickled_weights_are_replaced_by_the_hubs_own_conversion(self, monkeypatch, tmp_path):
        """As for openai/clip-vit-base-patch32: main holds a pickle, a proposal by the converter holds safetensors."""
        folders = {None: tmp_path / "main", "refs/pr/66": tmp_path / "converted"}
        for folder in folders.values():
            siglip.tiny(folder)
        (folders[None] / "model.safetensors").unlink()
        proposals = [
            SimpleNamespace(author="somebody", title="Add safetensors", git_reference="refs/pr/3"),
            SimpleNamespace(author="SFconvertbot", title="Adding `safetensors` variant", git_reference="refs/pr/66"),
        ]
        client = SimpleNamespace(
            snapshot_download=lambda name, revision, **options: str(folders[revision]),
            get_repo_discussions=lambda name, **options: proposals,
        )
        monkeypatch.setitem(sys.modules, "huggingface_hub", client)
        provenance = encoders.load("owner/name").provenance
        assert (provenance.model, provenance.revision) == ("owner/name@refs/pr/66", "converted")

    def test_a_repository_in_another_format_is_refused(self, hub, tmp_path):
        (tmp_path / "0123456789abcdef").mkdir()
        (tmp_path / "0123456789abcdef" / "model.safetensors").touch()
        with pytest.raises(ModelError, match=r"no config\.json"):
            encoders.load("owner/name")

    def test_an_unreachable_hub_says_what_was_tried_and_what_to_do(self, monkeypatch):
        def snapshot_download(name, **options):
            raise OSError("404 Client Error\n\nRepository Not Found")

        monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot_download))
        with pytest.raises(UsageError, match=r"'owner/name'.*no such folder.*404 Client Error Repo.*local folder.*toy"):
            encoders.load("owner/name")


class TestRevision:
    """A local model is known by the hash of its weights and configuration, wherever it lies."""

    def test_a_copy_is_the_same_model(self, checkpoint, tmp_path):
        (tmp_path / "model").rename(tmp_path / "moved")
        moved = encoders.load(str(tmp_path / "moved")).provenance
        again = encoders.load(siglip.tiny(tmp_path / "model")).provenance
        assert moved.same_space(again)
        assert moved.model != again.model

    def test_a_changed_weight_is_another_model(self, checkpoint, tmp_path):
        encoder = encoders.load(checkpoint)
        before = encoders.load(str(encoder.save(tmp_path / "before"))).provenance
        encoder.module.logit_scale.data += 1
        after = encoders.load(str(encoder.save(tmp_path / "after"))).provenance
        assert (tmp_path / "before" / "config.json").read_text() == (tmp_path / "after" / "config.json").read_text()
        assert after.revision != before.revision
        assert after.preprocessing == before.preprocessing

    def test_a_changed_configuration_is_another_model(self, checkpoint, tmp_path):
        before = encoders.load(checkpoint).provenance
        path = tmp_path / "model" / "config.json"
        path.write_text(path.read_text().replace('"num_attention_heads": 4', '"num_attention_heads": 2'))
        assert encoders.load(checkpoint).provenance.revision != before.revision

    @pytest.mark.parametrize(
        ("file", "key", "value"),
        [
            ("preprocessor_config.json", "image_mean", [0.4, 0.5, 0.5]),
            ("preprocessor_config.json", "resample", 2),
            ("preprocessor_config.json", "size", {"height": 24, "width": 24}),
            ("config.json", "text_config", {"max_position_embeddings": 12}),
        ],
    )
    def test_changed_preprocessing_changes_its_fingerprint(self, file, key, value, checkpoint, tmp_path):
        before = encoders.load(checkpoint).provenance
        path = tmp_path / "model" / file
        plain = json.loads(path.read_text())
        plain[key] = {**plain[key], **value} if isinstance(value, dict) else value
        path.write_text(json.dumps(plain))
        if file == "config.json":
            weights = tmp_path / "model" / "model.safetensors"
            state = load_file(weights)
            state["text_model.embeddings.position_embedding.weight"] = torch.zeros(12, 32)
            save_file(state, weights, metadata={"format": "pt"})
        assert encoders.load(checkpoint).provenance.preprocessing != before.preprocessing

    def test_precision_is_part_of_the_preprocessing(self, checkpoint):
        prints = {
            encoders.load(checkpoint, Settings(precision=one)).provenance.preprocessing for one in ("fp32", "bf16")
        }
        assert len(prints) == 2


@pytest.mark.parametrize(
    ("precision", "kind"), [("fp32", torch.float32), ("fp16", torch.float16), ("bf16", torch.bfloat16)]
)
def test_precision_is_that_of_the_weights_and_rows_stay_float32(precision, kind, checkpoint):
    exact = encoders.load(checkpoint).encode_texts(TEXTS)
    encoder = encoders.load(checkpoint, Settings(precision=precision))
    assert encoder.module.dtype == kind
    rows = encoder.encode_texts(TEXTS)
    assert rows.dtype == np.float32
    assert (rows * exact).sum(axis=1) == pytest.approx([1, 1], abs=1e-2)


def test_weights_stored_in_half_are_opened_in_the_precision_asked_for(checkpoint, tmp_path):
    encoder = encoders.load(checkpoint)
    half = encoder.save(tmp_path / "half", half=True)
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (half, tmp_path / "model")]
    assert sizes[0] < 0.55 * sizes[1]
    again = encoders.load(str(half))
    assert again.module.dtype == torch.float32
    assert encoder.module.dtype == torch.float32
    assert again.encode_texts(TEXTS) == pytest.approx(encoder.encode_texts(TEXTS), abs=2e-3)


def test_saving_over_a_checkpoint_replaces_it_and_leaves_nothing_else(checkpoint, tmp_path):
    encoder = encoders.load(checkpoint)
    (tmp_path / "model" / "stale.txt").write_text("old")
    encoder.save(checkpoint)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert not (tmp_path / "model" / "stale.txt").exists()


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("part", ["module", "tokenizer", "image_processor"])
def test_a_save_to_a_full_disk_leaves_the_old_checkpoint(checkpoint, tmp_path, monkeypatch, part):
    encoder = encoders.load(checkpoint)
    monkeypatch.setattr(getattr(encoder, part), "save_pretrained", full)
    before = encoders.load(checkpoint).provenance
    with pytest.raises(StoreError, match=f"The disk is full: {checkpoint!r} could not be written"):
        encoder.save(checkpoint)
    assert encoders.load(checkpoint).provenance == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_save_killed_at_any_rename_leaves_the_old_weights_or_the_new(checkpoint, tmp_path, monkeypatch):
    encoder, rename = encoders.load(checkpoint), Path.replace
    old = encoder.encode_texts(TEXTS)
    with torch.no_grad():
        encoder.module.text_model.embeddings.position_embedding.weight.mul_(3)
    new, found = encoder.encode_texts(TEXTS), []
    for allowed in range(20):
        renames = iter(range(allowed))

        def killed(path, target, renames=renames):
            if next(renames, None) is None:
                raise KeyboardInterrupt
            return rename(path, target)

        monkeypatch.setattr(Path, "replace", killed)
        with suppress(KeyboardInterrupt):
            encoder.save(checkpoint)
        rows = encoders.load(checkpoint).encode_texts(TEXTS)
        assert np.array_equal(rows, old) or np.array_equal(rows, new)
        found.append(np.array_equal(rows, new))
    assert found[0] is False
    assert found[-1] is True


def test_what_a_killed_save_left_beside_a_checkpoint_is_swept_by_the_next(checkpoint, tmp_path):
    left = tmp_path / ".model.part"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    encoders.load(checkpoint).save(checkpoint)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_geometric_weights_are_opened_as_the_plain_ones_they_stand_for(tmp_path):
    """Row i of a layer is `r[i] · theta[i] / ‖theta[i]‖`; here theta is three times too long, which must not matter."""
    plain = encoders.load(clip.tiny(tmp_path / "plain"))
    geometric = tmp_path / "geometric"
    clip.tiny(geometric)
    state = load_file(geometric / "model.safetensors")
    layers = [key for key in state if key.endswith(("fc1.weight", "fc2.weight"))]
    assert len(layers) == 8
    for key in layers:
        weight = state.pop(key)
        state[key.replace("weight", "r")] = weight.norm(dim=1, keepdim=True)
        state[key.replace("weight", "theta")] = 3 * weight
    save_file(state, geometric / "model.safetensors", metadata={"format": "pt"})
    opened = encoders.load(str(geometric))
    assert opened.encode_texts(TEXTS) == pytest.approx(plain.encode_texts(TEXTS), abs=1e-5)


def test_nothing_is_printed_or_warned(tmp_path, capfd):
    encoder = encoders.load(clip.tiny(tmp_path / "model"))
    encoder.encode_texts(TEXTS)
    encoder.save(tmp_path / "saved")
    encoders.load(str(tmp_path / "saved"))
    assert capfd.readouterr() == ("", "")


def test_every_family_is_registered():
    assert {"clip", "siglip", "siglip2", "toy"} <= set(registry.names("mirante.encoders"))
