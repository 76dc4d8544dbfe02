"""FLIP: how many patches the first layer of a training picture sees, which, and that evaluation sees all."""

import pytest
import torch

from mirante import encoders
from mirante.encoders import clip, siglip, siglip2
from mirante.errors import UsageError
from mirante.training import patches

PATCHES = 16
"""Of the tiny models: 32 × 32 pixels in patches of 8 × 8."""


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    return {kind: kind.tiny(tmp_path_factory.mktemp("model")) for kind in (clip, siglip)}


@pytest.fixture(params=[clip, siglip], ids=["clip", "siglip"])
def encoder(request, checkpoints):
    """A model in training mode; `own` is how many tokens beside the patches it has."""
    found = encoders.load(checkpoints[request.param])
    found.own = 1 if request.param is clip else 0
    found.module.train()
    return found


def pictures(count, seed=0):
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


class Reached:
    """The tokens that reached the first layer of the image tower."""

    def __init__(self, module):
        self.tokens = None
        module.vision_model.encoder.layers[0].register_forward_pre_hook(self._see, with_kwargs=True)

    def _see(self, module, args, kwargs):
        self.tokens = (args[0] if args else kwargs["hidden_states"]).detach()


@pytest.mark.parametrize(("share", "kept"), [(0.0, 16), (0.25, 12), (0.5, 8), (0.6, 6), (0.75, 4), (0.99, 1)], ids=str)
def test_the_first_layer_computes_the_kept_patches_only(encoder, share, kept):
    patches.drop(encoder.module, share)
    reached = Reached(encoder.module)
    rows = encoder.image_features(pictures(3))
    assert reached.tokens.shape[:2] == (3, encoder.own + kept)
    assert rows.shape == (3, encoder.dim)
    assert rows.isfinite().all()


def places(tokens, whole):
    """Of each token of each picture, which of the whole picture's it is."""
    same = (tokens[:, :, None] - whole[:, None]).abs().amax(dim=3) < 1e-5
    assert same.sum(dim=2).eq(1).all(), "every token is one of the picture's own"
    return same.long().argmax(dim=2)


def test_kept_tokens_are_the_pictures_own_each_once_with_its_position(encoder):
    reached, seen = Reached(encoder.module), pictures(4)
    encoder.image_features(seen)
    whole = reached.tokens
    patches.drop(encoder.module, 0.5)
    encoder.image_features(seen)
    found = places(reached.tokens, whole)
    assert all(len(set(one.tolist())) == encoder.own + PATCHES // 2 for one in found)
    if encoder.own:
        assert found[:, 0].eq(0).all(), "the class token comes first, and always"


def test_each_picture_and_each_time_has_its_own_patches(encoder):
    reached, seen = Reached(encoder.module), pictures(1).expand(6, -1, -1, -1)
    encoder.image_features(seen)
    whole = reached.tokens
    patches.drop(encoder.module, 0.5)
    kept = []
    for _ in range(2):
        encoder.image_features(seen)
        kept += [frozenset(one.tolist()) for one in places(reached.tokens, whole)]
    assert len(set(kept)) > 8


def test_every_patch_has_its_turn(encoder):
    reached, seen = Reached(encoder.module), pictures(1).expand(400, -1, -1, -1)
    encoder.image_features(seen)
    whole = reached.tokens
    patches.drop(encoder.module, 0.75)
    encoder.image_features(seen)
    times = torch.bincount(places(reached.tokens, whole).flatten(), minlength=encoder.own + PATCHES)
    assert times[encoder.own :].min() > 400 / 4 * 0.6
    assert times[encoder.own :].max() < 400 / 4 * 1.4


def test_one_seed_gives_the_same_patches_again(encoder):
    """So that gradient caching, which encodes twice, sees one picture."""
    patches.drop(encoder.module, 0.5)
    rows = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        rows.append(encoder.image_features(pictures(4)))
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])


def test_evaluation_sees_every_patch(encoder):
    encoder.module.eval()
    before = encoder.image_features(pictures(3))
    patches.drop(encoder.module, 0.5)
    reached = Reached(encoder.module)
    assert torch.equal(encoder.image_features(pictures(3)), before)
    assert reached.tokens.shape[1] == encoder.own + PATCHES


def test_the_gradient_reaches_the_patches_that_were_seen(encoder):
    patches.drop(encoder.module, 0.5)
    seen = pictures(1).requires_grad_()
    encoder.image_features(seen).square().sum().backward()
    moved = seen.grad.reshape(3, 4, 8, 4, 8).abs().amax(dim=(0, 2, 4)) > 0
    assert moved.sum() == PATCHES // 2


def test_it_can_be_undone(encoder):
    handle = patches.drop(encoder.module, 0.5)
    handle.remove()
    reached = Reached(encoder.module)
    encoder.image_features(pictures(1))
    assert reached.tokens.shape[1] == encoder.own + PATCHES


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(encoder, share):
    with pytest.raises(UsageError, match=f"drop_patches must be at least 0 and less than 1, not {share}"):
        patches.drop(encoder.module, share)


def test_a_model_without_a_fixed_resolution_is_refused(tmp_path):
    module = encoders.load(siglip2.tiny(tmp_path)).module
    with pytest.raises(UsageError, match=r"drop_patches = 0\.5 needs pictures of one size.*Siglip2Model"):
        patches.drop(module, 0.5)
    assert patches.drop(module, 0.0) is None
