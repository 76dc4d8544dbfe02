"""Each family's rows equal what transformers itself computes with the family's own model and preprocessing.

The oracles are written plainly, one a family; pooling, padding, casing and resolution are stated in them.
"""

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from mirante import encoders
from mirante.encoders import _tiny, clip, siglip, siglip2

TEXTS = ["a red square", "A Red SQUARE at Night", "um cão azul", "a much longer text than sixteen tokens can hold"]
SEED = np.random.default_rng(5)
PICTURES = [
    Image.fromarray(SEED.integers(0, 256, (height, width, 3), dtype=np.uint8))
    for height, width in ((40, 64), (32, 32), (90, 31), (8, 8))
]


def unit(features):
    return torch.nn.functional.normalize(features.pooler_output, dim=-1).detach().numpy()


def clip_oracle(folder):
    """Lower-cased by the tokenizer, padded to the longest, masked; read at the end token; short side and crop."""
    model = transformers.CLIPModel.from_pretrained(folder).eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    pictures = transformers.CLIPImageProcessorPil.from_pretrained(folder)
    processor = transformers.CLIPProcessor(pictures, tokenizer)
    texts = processor(text=TEXTS, padding=True, truncation=True, max_length=16, return_tensors="pt")
    return unit(model.get_image_features(**processor(images=PICTURES, return_tensors="pt"))), unit(
        model.get_text_features(**texts)
    )


def siglip_oracle(folder):
    """Padded to the full length, not masked; read at the last position; squeezed to a square."""
    model = transformers.SiglipModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    pictures = transformers.SiglipImageProcessorPil.from_pretrained(folder)
    processor = transformers.SiglipProcessor(pictures, tokenizer)
    texts = processor(text=TEXTS, padding="max_length", truncation=True, max_length=16, return_tensors="pt")
    assert set(texts) == {"input_ids"}
    return unit(model.get_image_features(**processor(images=PICTURES, return_tensors="pt"))), unit(
        model.get_text_features(**texts)
    )


def siglip2_oracle(folder):
    """As SigLIP; stored with Gemma's tokenizer, so the texts are lower-cased here."""
    model = transformers.SiglipModel.from_pretrained(folder).eval()
    tokenizer = transformers.GemmaTokenizer.from_pretrained(folder)
    pictures = transformers.SiglipImageProcessorPil.from_pretrained(folder)
    lower = [text.lower() for text in TEXTS]
    texts = tokenizer(lower, padding="max_length", truncation=True, max_length=16, return_tensors="pt")
    return unit(model.get_image_features(**pictures(PICTURES, return_tensors="pt"))), unit(
        model.get_text_features(**texts)
    )


def naflex_oracle(folder):
    """As SigLIP 2 in texts; pictures keep their proportions, in 16 patches (the processor's own default is 256)."""
    model = transformers.Siglip2Model.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    pictures = transformers.Siglip2ImageProcessorPil.from_pretrained(folder)
    processor = transformers.Siglip2Processor(pictures, tokenizer)
    images = processor(images=PICTURES, max_num_patches=16, patch_size=8, return_tensors="pt")
    texts = processor(text=TEXTS, padding="max_length", truncation=True, max_length=16, return_tensors="pt")
    assert images["pixel_values"].shape == (4, 16, 3 * 8 * 8)
    return unit(model.get_image_features(**images)), unit(model.get_text_features(**texts))


FAMILIES = {
    "clip": (clip.tiny, clip_oracle),
    "siglip": (siglip.tiny, siglip_oracle),
    "siglip2": (lambda folder: _tiny.siglip(folder, second=True), siglip2_oracle),
    "naflex": (siglip2.tiny, naflex_oracle),
}


@pytest.fixture(scope="module", params=FAMILIES)
def golden(request, tmp_path_factory):
    """A family's encoder, and the oracle's rows of pictures and of texts."""
    tiny, oracle = FAMILIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    address = tiny(folder)
    return encoders.load(address), *oracle(folder)


def test_pictures_equal_the_librarys(golden):
    encoder, pictures, _ = golden
    assert encoder.encode_images(PICTURES) == pytest.approx(pictures, abs=1e-5)


def test_texts_equal_the_librarys(golden):
    encoder, _, texts = golden
    assert encoder.encode_texts(TEXTS) == pytest.approx(texts, abs=1e-5)


def test_the_tiny_models_tell_these_pictures_and_texts_apart(golden):
    """Golden vectors prove nothing about a model whose rows are all alike."""
    for rows in golden[1:]:
        distance = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
        assert distance[~np.eye(len(rows), dtype=bool)].min() > 1e-3


@pytest.mark.parametrize("name", FAMILIES)
def test_case_never_matters(name, tmp_path):
    encoder = encoders.load(FAMILIES[name][0](tmp_path))
    lower, upper = encoder.encode_texts(["a red square", "A RED Square"])
    assert lower == pytest.approx(upper, abs=1e-6)


def test_gemmas_tokenizer_alone_would_keep_case(tmp_path):
    """The reason for lower-casing SigLIP 2's texts."""
    tokenizer = encoders.load(_tiny.siglip(tmp_path, second=True)).tokenizer
    assert tokenizer(["A"])["input_ids"] != tokenizer(["a"])["input_ids"]


def test_siglips_padding_matters_and_clips_does_not(tmp_path):
    """The reason for padding SigLIP's texts to the full length."""
    differs = {}
    for name in ("clip", "siglip"):
        encoder = encoders.load(FAMILIES[name][0](tmp_path / name))
        short = encoder.tokenizer(["a red square"], return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            features = encoder.text_features({"input_ids": short})[0].numpy()
        unpadded = features / np.linalg.norm(features)
        differs[name] = not np.allclose(unpadded, encoder.encode_texts(["a red square"])[0], atol=1e-4)
    assert differs == {"clip": False, "siglip": True}
