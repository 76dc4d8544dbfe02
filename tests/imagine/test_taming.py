"""VQGANs in the layout of taming-transformers: weights by their published names, and the decoder written out."""

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import conv2d, group_norm, interpolate, silu

from mirante.errors import ModelError
from mirante.imagine.parametrisations import Drawing, open_parametrisation

CONFIG = """
model:
  target: taming.models.vqgan.VQModel
  params:
    embed_dim: 5
    n_embed: 7
    ddconfig: {double_z: false, z_channels: 6, resolution: 16, in_channels: 3, out_ch: 3, ch: 32,
               ch_mult: [1, 2], num_res_blocks: 1, attn_resolutions: [8], dropout: 0.0}
"""


def conv(before: int, after: int, size: int = 3) -> tuple[int, ...]:
    return (after, before, size, size)


def block(name: str, before: int, after: int) -> dict[str, tuple[int, ...]]:
    shortcut = {f"{name}.nin_shortcut.weight": conv(before, after, 1)} if before != after else {}
    norms = {f"{name}.norm1.weight": (before,), f"{name}.norm2.weight": (after,)}
    return {
        **norms,
        f"{name}.conv1.weight": conv(before, after),
        f"{name}.conv2.weight": conv(after, after),
        **shortcut,
    }


def attention(name: str, width: int) -> dict[str, tuple[int, ...]]:
    convs = {f"{name}.{part}.weight": conv(width, width, 1) for part in ("q", "k", "v", "proj_out")}
    return {f"{name}.norm.weight": (width,), **convs}


def middle(tower: str) -> dict[str, tuple[int, ...]]:
    blocks = {**block(f"{tower}.mid.block_1", 64, 64), **block(f"{tower}.mid.block_2", 64, 64)}
    return {**blocks, **attention(f"{tower}.mid.attn_1", 64)}


SHAPES = {
    "encoder.conv_in.weight": conv(3, 32),
    **block("encoder.down.0.block.0", 32, 32),
    "encoder.down.0.downsample.conv.weight": conv(32, 32),
    **block("encoder.down.1.block.0", 32, 64),
    **attention("encoder.down.1.attn.0", 64),
    **middle("encoder"),
    "encoder.norm_out.weight": (64,),
    "encoder.conv_out.weight": conv(64, 6),
    "quant_conv.weight": conv(6, 5, 1),
    "post_quant_conv.weight": conv(5, 6, 1),
    "decoder.conv_in.weight": conv(6, 64),
    **middle("decoder"),
    **block("decoder.up.1.block.0", 64, 64),
    **block("decoder.up.1.block.1", 64, 64),
    **attention("decoder.up.1.attn.0", 64),
    **attention("decoder.up.1.attn.1", 64),
    "decoder.up.1.upsample.conv.weight": conv(64, 64),
    **block("decoder.up.0.block.0", 64, 32),
    **block("decoder.up.0.block.1", 32, 32),
    "decoder.norm_out.weight": (32,),
    "decoder.conv_out.weight": conv(32, 3),
}


@pytest.fixture
def state() -> dict[str, Tensor]:
    """Random weights, each with its bias, the codebook, and a weight of training that nobody needs."""
    torch.manual_seed(0)
    made = {}
    for name, shape in SHAPES.items():
        made[name] = torch.randn(shape) * (1 if len(shape) == 1 else (shape[1] * shape[2] * shape[3]) ** -0.5)
        made[name.replace(".weight", ".bias")] = 0.1 * torch.randn(shape[0])
    return {**made, "quantize.embedding.weight": torch.randn(7, 5), "loss.discriminator.main.0.weight": torch.ones(1)}


def decoded(state: dict[str, Tensor], codes: Tensor) -> Tensor:
    """The decoder of Esser et al. 2021 in plain functions: (1, 5, 8, 8) → (1, 3, 16, 16)."""

    def part(name: str) -> tuple[Tensor, Tensor]:
        return state[f"{name}.weight"], state[f"{name}.bias"]

    def folded(name: str, x: Tensor) -> Tensor:
        weight, bias = part(name)
        return conv2d(x, weight, bias, padding=weight.shape[-1] // 2)

    def normed(name: str, x: Tensor) -> Tensor:
        return group_norm(x, 32, *part(name), eps=1e-6)

    def residual(name: str, x: Tensor) -> Tensor:
        inner = folded(f"{name}.conv1", silu(normed(f"{name}.norm1", x)))
        inner = folded(f"{name}.conv2", silu(normed(f"{name}.norm2", inner)))
        return inner + (folded(f"{name}.nin_shortcut", x) if f"{name}.nin_shortcut.weight" in state else x)

    def attended(name: str, x: Tensor) -> Tensor:
        q, k, v = (folded(f"{name}.{one}", normed(f"{name}.norm", x)).flatten(2) for one in "qkv")
        share = torch.softmax(q.transpose(1, 2) @ k * q.shape[1] ** -0.5, dim=-1)
        return x + folded(f"{name}.proj_out", (v @ share.transpose(1, 2)).reshape(x.shape))

    x = folded("decoder.conv_in", folded("post_quant_conv", codes))
    x = residual("decoder.mid.block_2", attended("decoder.mid.attn_1", residual("decoder.mid.block_1", x)))
    for number in (0, 1):
        x = attended(f"decoder.up.1.attn.{number}", residual(f"decoder.up.1.block.{number}", x))
    x = folded("decoder.up.1.upsample.conv", interpolate(x, scale_factor=2.0, mode="nearest"))
    for number in (0, 1):
        x = residual(f"decoder.up.0.block.{number}", x)
    return folded("decoder.conv_out", silu(normed("decoder.norm_out", x)))


def nearest_codes(state: dict[str, Tensor], latents: Tensor) -> Tensor:
    """Each latent of (1, c, h, w) replaced by the nearest code."""
    rows, codes = latents[0].flatten(1).T, state["quantize.embedding.weight"]
    return codes[torch.cdist(rows, codes).argmin(dim=1)].T.reshape(latents.shape)


def test_it_draws_what_the_published_decoder_draws(state, tmp_path) -> None:
    save_file(state, tmp_path / "last.safetensors")
    (tmp_path / "model.yaml").write_text(CONFIG, encoding="utf-8")
    drawn = open_parametrisation(f"vqgan:{tmp_path}", Drawing())
    with torch.no_grad():
        wanted = (decoded(state, nearest_codes(state, drawn.parameters()[0])) / 2 + 0.5).clamp(0, 1)
        assert drawn.picture().shape == (1, 3, 16, 16)
        assert torch.allclose(drawn.picture(), wanted, atol=1e-4)


def test_a_missing_weight_is_told(state, tmp_path) -> None:
    del state["decoder.up.0.block.0.nin_shortcut.bias"]
    save_file(state, tmp_path / "last.safetensors")
    (tmp_path / "model.yaml").write_text(CONFIG, encoding="utf-8")
    with pytest.raises(ModelError, match=r"cannot be read.*decoder.up_blocks.1.resnets.0.conv_shortcut.bias"):
        open_parametrisation(f"vqgan:{tmp_path}", Drawing())
