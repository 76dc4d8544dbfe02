"""The image tower under prompts: without prompts it is the library's own; with them, every layer above sees them."""

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders
from mirante.encoders import clip, siglip, siglip2
from mirante.encoders._prompted import PromptedTower, splice, unsteered
from mirante.errors import UsageError

FAMILIES = {"clip": clip, "siglip": siglip, "siglip2": siglip2}
WIDE, TALL, SMALL = (72, 40), (40, 72), (33, 33)


@pytest.fixture(scope="module", params=FAMILIES)
def encoder(request, tmp_path_factory):
    opened = encoders.load(FAMILIES[request.param].tiny(tmp_path_factory.mktemp(request.param) / "model"))
    opened.module.eval().requires_grad_(False)
    return opened


@pytest.fixture(scope="module")
def pixels(encoder):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for width, height in (WIDE, TALL, SMALL)]
    return encoder.pixels([Image.fromarray(one) for one in noise])


def drawn(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("entry", [0, 1])
def test_with_nothing_told_the_features_are_the_librarys(encoder, pixels, entry):
    tower = PromptedTower(encoder, entry)
    found = tower.upper(tower.lower(pixels), unsteered)
    torch.testing.assert_close(found, encoder.image_features(pixels), rtol=0, atol=1e-6)


@pytest.mark.parametrize("entry", [0, 1])
def test_without_prompts_the_features_are_the_librarys(encoder, pixels, entry):
    tower = PromptedTower(encoder, entry)
    found = tower.upper(tower.lower(pixels), splice(drawn(3, 1, 0, tower.width), tower.first))
    torch.testing.assert_close(found, encoder.image_features(pixels), rtol=0, atol=1e-6)


def test_prompts_at_the_first_layer_are_tokens_of_the_librarys_own_sequence(encoder, pixels):
    """The oracle splices them into the library's forward pass, by hooks on its own modules."""
    tower, prompts = PromptedTower(encoder), drawn(3, 1, 5, encoder.module.vision_model.config.hidden_size)
    vision = encoder.module.vision_model
    first = getattr(vision, "pre_layrnorm", vision.embeddings)
    classes = int(hasattr(vision, "pre_layrnorm"))

    def insert(module, given, tokens):
        return torch.cat([tokens[:, :classes], prompts[:, 0], tokens[:, classes:]], dim=1)

    handle = first.register_forward_hook(insert)
    given = {"pixel_values": pixels} if isinstance(pixels, torch.Tensor) else dict(pixels)
    if "pixel_attention_mask" in given:
        kept = given["pixel_attention_mask"]
        given["pixel_attention_mask"] = torch.cat([torch.ones(3, 5, dtype=kept.dtype), kept], dim=1)
    wanted = encoder.module.get_image_features(**given).pooler_output
    handle.remove()
    found = tower.upper(tower.lower(pixels), splice(prompts, tower.first))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    assert (found - encoder.image_features(pixels)).abs().max() > 0.01


def test_deeper_prompts_take_the_place_of_those_before(encoder, pixels):
    """Of two layers, the second's prompts alone change the features when the first's are the same."""
    tower = PromptedTower(encoder)
    hidden, first = tower.lower(pixels), drawn(3, 1, 4, tower.width)
    one, other = (torch.cat([first, drawn(3, 1, 4, tower.width, seed=seed)], dim=1) for seed in (2, 3))
    assert (
        tower.upper(hidden, splice(one, tower.first)) - tower.upper(hidden, splice(other, tower.first))
    ).abs().max() > 0.01
    again = torch.cat([first, drawn(3, 1, 4, tower.width, seed=2)], dim=1)
    torch.testing.assert_close(
        tower.upper(hidden, splice(one, tower.first)), tower.upper(hidden, splice(again, tower.first))
    )


def test_the_order_of_prompts_does_not_matter_as_they_have_no_position(encoder, pixels):
    tower = PromptedTower(encoder)
    hidden, prompts = tower.lower(pixels), drawn(3, 1, 4, tower.width)
    turned = tower.upper(hidden, splice(prompts.flip(2), tower.first))
    torch.testing.assert_close(tower.upper(hidden, splice(prompts, tower.first)), turned, rtol=0, atol=1e-5)


@pytest.mark.parametrize("entry", [0, 1])
def test_each_picture_has_its_own_prompts_and_no_other_matters(encoder, pixels, entry):
    tower = PromptedTower(encoder, entry)
    hidden, prompts = tower.lower(pixels), drawn(3, 1, 4, tower.width)
    together = tower.upper(hidden, splice(prompts, tower.first))
    for row in range(3):
        only = torch.tensor([row])
        torch.testing.assert_close(
            tower.upper(hidden[only], splice(prompts[only], tower.first)), together[only], rtol=0, atol=1e-5
        )


def test_a_gradient_reaches_the_prompts_and_not_the_tower(encoder, pixels):
    tower = PromptedTower(encoder, 1)
    prompts = drawn(3, 1, 4, tower.width).requires_grad_()
    tower.upper(tower.lower(pixels), splice(prompts, tower.first)).square().sum().backward()
    assert prompts.grad.abs().min(dim=-1).values.gt(0).all()
    assert all(value.grad is None for value in encoder.module.parameters())


@pytest.mark.parametrize("entry", [-1, 2])
def test_an_entry_that_is_no_layer_is_refused(encoder, entry):
    with pytest.raises(UsageError, match=f"entry must be from 0 to 1 .* not {entry}"):
        PromptedTower(encoder, entry)
