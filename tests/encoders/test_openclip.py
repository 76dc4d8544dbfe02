"""OpenCLIP checkpoints in their own layout equal what the library computes when it is called by hand.

They need `pip install 'mirante[openclip]'`; `make test-openclip` builds an environment of their own and runs them.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file as load_numpy
from safetensors.torch import load_file, save_file

from mirante import encoders
from mirante.doctor import golden
from mirante.encoders import openclip
from mirante.errors import ModelError

open_clip = pytest.importorskip("open_clip", reason="pip install 'mirante[openclip]', or make test-openclip")

TEXTS = ["a red square", "A Red SQUARE at Night", "um cão azul", "a much longer text than sixteen tokens can hold"]
RNG = np.random.default_rng(5)
PICTURES = [
    Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8))
    for height, width in ((40, 64), (32, 32), (90, 31), (8, 8))
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return openclip.tiny(tmp_path_factory.mktemp("openclip") / "model")


def written(checkpoint):
    return json.loads((Path(checkpoint) / "open_clip_config.json").read_text())


def pixels(picture, mean, std):
    """Short side to 32 by Pillow's bicubic filter, the centre cut out, values from 0 to 1, normalised."""
    width, height = picture.size
    short = min(width, height)
    resized = picture.resize((width * 32 // short, height * 32 // short), Image.Resampling.BICUBIC)
    left, top = round((resized.width - 32) / 2), round((resized.height - 32) / 2)
    values = np.asarray(resized.crop((left, top, left + 32, top + 32)), np.float32) / 255
    return torch.tensor(((values - np.float32(mean)) / np.float32(std)).transpose(2, 0, 1))


def oracle(checkpoint):
    """Rows of pictures and texts: the library's network alone; pictures by Pillow, token ids by transformers."""
    plain = written(checkpoint)
    model = open_clip.CLIP(**plain["model_cfg"]).eval()
    model.load_state_dict(load_file(Path(checkpoint) / "open_clip_model.safetensors"))
    import transformers

    tokenizer = transformers.CLIPTokenizer.from_pretrained(checkpoint)
    ids = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=16, return_tensors="pt")["input_ids"]
    how = plain["preprocess_cfg"]
    seen = torch.stack([pixels(one, how["mean"], how["std"]) for one in PICTURES])
    with torch.inference_mode():
        rows = model.encode_image(seen), model.encode_text(ids)
    return tuple((one / one.norm(dim=1, keepdim=True)).numpy() for one in rows)


def without_start(encoder):
    whole = encoder.tokenizer
    encoder.tokenizer = lambda texts: torch.roll(whole(texts), -1, dims=1)


def test_rows_equal_the_librarys(checkpoint):
    encoder = encoders.load(checkpoint)
    images, texts = oracle(checkpoint)
    assert encoder.dim == 24
    assert encoder.encode_images(PICTURES) == pytest.approx(images, abs=1e-5)
    assert encoder.encode_texts(TEXTS) == pytest.approx(texts, abs=1e-5)


def test_the_tiny_model_tells_these_pictures_and_texts_apart(checkpoint):
    for rows in oracle(checkpoint):
        distance = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
        assert distance[~np.eye(len(rows), dtype=bool)].min() > 1e-3


@pytest.mark.parametrize(
    ("key", "value"), [("mean", [0.5, 0.5, 0.5]), ("interpolation", "bilinear"), ("resize_mode", "squash")]
)
def test_the_checkpoints_own_preprocessing_is_used_and_known_by_its_fingerprint(key, value, checkpoint, tmp_path):
    before = encoders.load(checkpoint)
    changed = encoders.load(str(before.save(tmp_path / "changed")))
    assert changed.provenance.preprocessing == before.provenance.preprocessing
    plain = written(checkpoint)
    plain["preprocess_cfg"][key] = value
    (tmp_path / "changed" / "open_clip_config.json").write_text(json.dumps(plain))
    changed = encoders.load(str(tmp_path / "changed"))
    assert changed.provenance.preprocessing != before.provenance.preprocessing
    assert np.abs(changed.encode_images(PICTURES) - before.encode_images(PICTURES)).max() > 1e-4


def test_a_folder_that_transformers_knows_is_opened_without_the_library(tmp_path):
    """As LAION's repositories, which hold both layouts."""
    from mirante.encoders import clip

    folder = Path(clip.tiny(tmp_path / "both"))
    (folder / "open_clip_config.json").write_text("{}")
    assert type(encoders.load(str(folder)).module).__name__ == "CLIPModel"


def test_pickled_weights_are_never_opened(checkpoint, tmp_path):
    folder = encoders.load(checkpoint).save(tmp_path / "pickled")
    weights = folder / "open_clip_model.safetensors"
    torch.save(load_file(weights), folder / "open_clip_pytorch_model.bin")
    weights.unlink()
    with pytest.raises(ModelError, match=r"no open_clip_model\.safetensors; pickled weights are never opened"):
        encoders.load(str(folder))


def test_missing_weights_are_refused_rather_than_filled_with_random_numbers(checkpoint, tmp_path):
    folder = encoders.load(checkpoint).save(tmp_path / "part")
    weights = folder / "open_clip_model.safetensors"
    state = load_file(weights)
    del state["text_projection"]
    save_file(state, weights)
    with pytest.raises(ModelError, match=r"cannot be read .*text_projection"):
        encoders.load(str(folder))


@pytest.mark.parametrize("text", ["{", "[]", '{"model_cfg": {}}'])
def test_a_damaged_configuration_is_named(text, tmp_path):
    (tmp_path / "open_clip_config.json").write_text(text)
    with pytest.raises(ModelError, match=r"open_clip_config\.json of .* cannot be read"):
        encoders.load(str(tmp_path))


MISTAKES = {
    "mean over patches for the class token": ("images", lambda one: setattr(one.module.visual, "pool_type", "avg")),
    "another mean": ("images", lambda one: setattr(one.transform.transforms[-1], "mean", (0.0, 0.0, 0.0))),
    "read at the last token": ("texts", lambda one: setattr(one.module, "text_pool_type", "last")),
    "no start token": ("texts", without_start),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_moves_the_golden_rows(mistake, tmp_path):
    side, breaks = MISTAKES[mistake]
    encoder = golden.open_model("openclip", tmp_path, "cpu")
    breaks(encoder)
    texts = np.concatenate([encoder.encode_texts([text]) for text in golden.TEXTS])
    images = np.zeros(0) if side == "texts" else encoder.encode_images(golden.pictures())
    rows = load_numpy(golden.HOME)
    far = {
        "images": golden.distance(images, rows["openclip/images"]) if side == "images" else 0,
        "texts": golden.distance(texts, rows["openclip/texts"]),
    }
    assert {one for one, value in far.items() if value > 3 * golden.TOLERANCE} == {side}
