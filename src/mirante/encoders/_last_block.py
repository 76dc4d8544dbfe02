"""The last block of a CLIP's image tower, computed for the class token alone, which is all that is read of it.

The other tokens still give it keys and values; their own way through attention's output and the MLP ends nowhere. For
a base tower that is some 7 % of all products, and the same numbers.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from mirante.encoders._dual import DualEncoder


def applies(encoder: DualEncoder) -> bool:
    """Whether the tower reads a class token: a CLIP's does, a SigLIP pools all tokens."""
    return hasattr(encoder.module.vision_model, "pre_layrnorm")


def features(encoder: DualEncoder, pixels: Tensor) -> Tensor:
    """(B, 3, H, W) → (B, d), not normalised, as `DualEncoder.image_features` gives them."""
    tower = encoder.module.vision_model
    tokens = tower.pre_layrnorm(tower.embeddings(pixels.to(encoder.module.dtype)))
    *lower, last = tower.encoder.layers
    for layer in lower:
        tokens = layer(tokens, attention_mask=None)
    found: Tensor = encoder.module.visual_projection(tower.post_layernorm(_class_token(last, tokens)))
    return found


def _class_token(layer: Any, tokens: Tensor) -> Tensor:
    """(B, n, w) → (B, w): what the layer makes of the first token."""
    attention, normed = layer.self_attn, layer.layer_norm1(tokens)
    queries, keys, values = (
        torch.unflatten(one, -1, (-1, attention.head_dim)).transpose(1, 2)
        for one in (attention.q_proj(normed[:, :1]), attention.k_proj(normed), attention.v_proj(normed))
    )
    seen = scaled_dot_product_attention(queries, keys, values, scale=attention.scale)
    token = tokens[:, 0] + attention.out_proj(seen.transpose(1, 2).flatten(2))[:, 0]
    told: Tensor = token + layer.mlp(layer.layer_norm2(token))
    return told
