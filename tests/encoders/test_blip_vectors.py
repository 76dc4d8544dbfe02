"""BLIP and BLIP-2 as encoders: their similarities equal what the library's own forward pass gives, pair by pair."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file

from mirante import encoders
from mirante.encoders import _tiny
from mirante.nearest import similarity

TEXTS = [
    "a red square",
    "A Red SQUARE at Night",
    "um cão azul",
    "two yellow stars under a bridge, and more",
]
RNG = np.random.default_rng(5)
PICTURES = [
    Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8))
    for height, width in ((40, 64), (32, 32), (90, 31), (8, 8))
]


def tokens(folder, text):
    return transformers.BertTokenizer.from_pretrained(folder)([text], return_tensors="pt")


def pixels(folder):
    return transformers.BlipImageProcessorPil.from_pretrained(folder)(PICTURES, return_tensors="pt")["pixel_values"]


def blip_oracle(folder):
    """(texts, pictures) cosines (ITC), a text at a time and so never padded; no matching head."""
    model = transformers.BlipForImageTextRetrieval.from_pretrained(folder).eval()
    rows = [
        model(**tokens(folder, text), pixel_values=pixels(folder), use_itm_head=False).itm_score[:, 0] for text in TEXTS
    ]
    return torch.stack(rows).detach().numpy()


def blip2_oracle(folder):
    """(texts, pictures) cosines (ITC) with the nearest of the learned queries."""
    model = transformers.Blip2ForImageTextRetrieval.from_pretrained(folder).eval()
    rows = []
    for text in TEXTS:
        given = {key: tokens(folder, text)[key] for key in ("input_ids", "attention_mask")}
        rows.append(model(**given, pixel_values=pixels(folder)).logits_per_image[:, 0])
    return torch.stack(rows).detach().numpy()


def blip2(folder):
    """A BLIP-2 whose learned queries differ; a new model's are all zero."""
    address = _tiny.blip2(folder)
    weights = Path(address) / "model.safetensors"
    state = load_file(weights)
    state["query_tokens"] = torch.randn(state["query_tokens"].shape, generator=torch.Generator().manual_seed(3))
    save_file(state, weights, {"format": "pt"})
    return address


FAMILIES = {"blip": (_tiny.blip, blip_oracle, 1), "blip-2": (blip2, blip2_oracle, 4)}


@pytest.fixture(scope="module", params=FAMILIES)
def golden(request, tmp_path_factory):
    """An encoder, the library's similarities, and how many vectors a row holds."""
    tiny, oracle, parts = FAMILIES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    return encoders.load(tiny(folder)), oracle(folder), parts


def test_similarities_equal_the_librarys(golden):
    encoder, wanted, parts = golden
    assert encoder.provenance.parts == parts
    texts, images = encoder.encode_texts(TEXTS), encoder.encode_images(PICTURES)
    assert similarity(texts, images, encoder.provenance.parts) == pytest.approx(wanted, abs=1e-5)


def test_the_tiny_models_tell_these_pairs_apart(golden):
    """Similarities that are all alike would prove nothing."""
    assert golden[1].std(axis=1).min() > 1e-3


def test_the_mean_over_blip_2s_queries_is_another_figure(tmp_path):
    encoder = encoders.load(blip2(tmp_path))
    texts, images = encoder.encode_texts(TEXTS), encoder.encode_images(PICTURES)
    assert np.abs(similarity(texts, images, 4) - texts @ images.T).max() > 0.01


def test_a_text_is_read_as_if_alone_among_longer_ones(golden):
    encoder = golden[0]
    alone = encoder.encode_texts(["a red square"])[0]
    assert encoder.encode_texts(["a red square", "w " * 80])[0] == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_a_saved_one_says_of_itself_is_the_same(name, tmp_path):
    encoder = encoders.load(FAMILIES[name][0](tmp_path / "first"))
    again = encoders.load(str(encoder.save(tmp_path / "second")))
    assert again.provenance.preprocessing == encoder.provenance.preprocessing
    kinds = json.loads((tmp_path / "second" / "config.json").read_text())["architectures"]
    assert kinds[0].endswith("ForImageTextRetrieval")
