"""Rows of pictures and texts in training: the model's own features, whatever is spared on the way."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from mirante.training import views

LENGTHS = ["fish", "a fish", "um cão", "two stars"]
"""At most eight letters, so ten of the 16 tokens of the tiny CLIP."""


class Noise:
    """Pixels of ten pictures."""

    def __init__(self):
        self.all = torch.randn(10, 3, 32, 32, generator=torch.Generator().manual_seed(1))

    def batch(self, rows):
        return self.all[rows]


def seen(encoder, monkeypatch):
    """The shapes of the tokens that the text tower gets."""
    shapes, whole = [], encoder.text_features

    def note(tokens):
        shapes.append({name: tuple(values.shape) for name, values in tokens.items()})
        return whole(tokens)

    monkeypatch.setattr(encoder, "text_features", note)
    return shapes


@pytest.mark.parametrize("texts", [LENGTHS, ["a"], ["", "a"], [*LENGTHS, "long " * 20]], ids=["few", "1", "0", "full"])
def test_texts_have_the_features_of_the_padded_ones(tiny, texts):
    tiny.module.eval()
    with torch.no_grad():
        rows = views.text_rows(tiny, nullcontext)(texts)
        padded = normalize(tiny.text_features(tiny.tokens(texts)), dim=-1)
    torch.testing.assert_close(rows, padded, rtol=0, atol=1e-6)


def test_gradients_are_those_of_the_padded_texts(tiny):
    tiny.module.eval()
    target = torch.randn(len(LENGTHS), tiny.dim, generator=torch.Generator().manual_seed(2))
    found = []
    for rows in (
        views.text_rows(tiny, nullcontext)(LENGTHS),
        normalize(tiny.text_features(tiny.tokens(LENGTHS)), dim=-1),
    ):
        tiny.module.zero_grad()
        (rows * target).sum().backward()
        found.append(
            {name: value.grad.clone() for name, value in tiny.module.named_parameters() if value.grad is not None}
        )
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], rtol=0, atol=1e-5)


def test_padding_is_spared_only_where_the_network_is_told_of_it(tiny, monkeypatch):
    """CLIP's tower gets the ten tokens of "two stars", its marks included; SigLIP was trained on padding and keeps it."""
    shapes = seen(tiny, monkeypatch)
    views.text_rows(tiny, nullcontext)(LENGTHS)
    spared = {"input_ids": (4, 10), "attention_mask": (4, 10)}
    assert shapes == [spared if tiny.texts.masked else {"input_ids": (4, 16)}]


def test_pictures_are_encoded_by_their_rows(tiny):
    tiny.module.eval()
    pictures, rows = Noise(), np.array([7, 2, 2])
    with torch.no_grad():
        found = views.image_rows(tiny, pictures, nullcontext)(rows)
        features = tiny.image_features(pictures.all[rows])
    torch.testing.assert_close(found, normalize(features, dim=-1))
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))


def test_all_are_encoded_in_chunks_without_gradient_and_the_mode_comes_back(tiny, monkeypatch):
    monkeypatch.setattr(views, "_CHUNK", 3)
    tiny.module.train()
    encode, sizes = views.image_rows(tiny, Noise(), nullcontext), []

    def noted(rows):
        sizes.append(len(rows))
        assert not tiny.module.training
        return encode(rows)

    rows = views.encode_all(noted, np.arange(8), tiny, label="x", unit="pictures")
    assert sizes == [3, 3, 2]
    assert (rows.shape, rows.requires_grad, tiny.module.training) == ((8, tiny.dim), False, True)
    tiny.module.eval()
    torch.testing.assert_close(rows, encode(np.arange(8)).detach())
