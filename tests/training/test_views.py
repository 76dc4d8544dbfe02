"""Rows of pictures and texts in training: the model's own features, whatever is spared on the way."""

import copy
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from mirante.training import views
from mirante.training.config import Data, Model, TrainConfig, Trained

LENGTHS = ["fish", "a fish", "um cão", "two stars"]
"""At most eight letters, so ten of the 16 tokens of the tiny CLIP."""


class Noise:
    """Pixels of ten pictures."""

    def __init__(self):
        self.all = torch.randn(10, 3, 32, 32, generator=torch.Generator().manual_seed(1))

    def __len__(self):
        return len(self.all)

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
        torch.testing.assert_close(gradient, found[1][name], rtol=1e-5, atol=1e-5)


def test_padding_is_spared_only_where_the_network_is_told_of_it(tiny, monkeypatch):
    """CLIP's tower gets the ten tokens of "two stars", with its marks; SigLIP was trained on padding and keeps it."""
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


EVERY = ("other_images", "other_texts", "teacher_images", "teacher_texts")
ROWS = np.array([7, 2, 5])


@pytest.fixture
def own(tiny):
    """A copy of the tiny model that a test may change."""
    encoder = copy.copy(tiny)
    encoder.module = copy.deepcopy(tiny.module)
    return encoder


def made(encoder, names=EVERY, trained=Trained(), **settings):  # noqa: B008 - frozen
    config = TrainConfig("", Model(), Data("none"), trained=trained, **settings)
    found = views.make(names, config, encoder, Noise(), nullcontext)
    encoder.module.train()
    return found


@pytest.mark.parametrize(
    ("trained", "learn"),
    [
        (Trained(), {"images", "texts", "other_images", "other_texts"}),
        (Trained(image="none"), {"texts", "other_texts"}),
        (Trained(text="none"), {"images", "other_images"}),
        (Trained(image=1, text="projection"), {"images", "texts", "other_images", "other_texts"}),
    ],
)
def test_a_gradient_flows_through_what_is_trained_and_never_through_the_teacher(own, trained, learn):
    found = made(own, trained=trained)
    assert list(found) == ["images", "texts", *EVERY]
    assert {name for name, view in found.items() if view.learns} == learn
    assert {name: view.of for name, view in found.items()} == {
        name: "texts" if "texts" in name else "rows" for name in found
    }


def test_a_locked_tower_shows_every_patch_of_the_picture_as_it_is(own):
    expected = views.image_rows(own, Noise(), nullcontext)(ROWS).detach()
    own.module.vision_model.requires_grad_(False)
    found = made(own, (), Trained(image="none"), drop_patches=0.5)
    torch.testing.assert_close(found["images"].encode(ROWS), expected)


def test_the_teacher_stays_what_the_model_was_at_the_start(own):
    own.module.eval()
    start = views.text_rows(own, nullcontext)(LENGTHS).detach()
    pictured = views.image_rows(own, Noise(), nullcontext)(ROWS).detach()
    found = made(own)
    with torch.no_grad():
        for weight in own.module.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(3)))
    torch.testing.assert_close(found["teacher_texts"].encode(LENGTHS), start)
    torch.testing.assert_close(found["teacher_images"].encode(ROWS), pictured)
    assert not torch.allclose(found["texts"].encode(LENGTHS), start, atol=0.01)


def test_other_views_are_changed_a_little_and_anew_each_time(own):
    found = made(own)
    for name, items in (("images", ROWS), ("texts", ["a red square on a blue background with two yellow stars"])):
        plain = found[name].encode(items)
        torch.manual_seed(1)
        one, another = found[f"other_{name}"].encode(items), found[f"other_{name}"].encode(items)
        torch.manual_seed(1)
        torch.testing.assert_close(found[f"other_{name}"].encode(items), one)
        assert not torch.allclose(one, another)
        assert not torch.allclose(one, plain)


def test_patches_are_dropped_in_training_and_not_in_evaluation(own):
    found = made(own, (), drop_patches=0.5)
    torch.manual_seed(1)
    one, another = found["images"].encode(ROWS), found["images"].encode(ROWS)
    own.module.eval()
    whole = found["images"].encode(ROWS)
    assert not torch.allclose(one, another)
    torch.testing.assert_close(found["images"].encode(ROWS), whole)
