"""Checkpoints of VQGANs: diffusers' format, and the layout of taming-transformers under diffusers' names."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mirante.errors import MissingLibrary, ModelError, UsageError

DAMAGE = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError)
_BLOCK = {"nin_shortcut": "conv_shortcut"}
_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}


def read(address: str) -> Any:
    """The `VQModel` at `address`: a folder of either layout, or a hub id of diffusers' format.

    Raises:
        MissingLibrary: diffusers is not installed.
        UsageError: there is no such folder, or the hub does not have it.
        ModelError: it is no VQGAN, its weights are pickled, or they do not fit.
    """
    try:
        from diffusers import VQModel
    except ModuleNotFoundError as error:
        raise MissingLibrary("diffusers", "imagine", "A VQGAN") from error
    folder = Path(address)
    if folder.is_dir() and not (folder / "config.json").is_file():
        return _read_taming(VQModel, folder)
    if not folder.is_dir() and address.count("/") != 1:
        raise UsageError(f"There is no folder {address!r}: give that of a VQGAN, or a hub id owner/name.")
    try:
        kind = VQModel.load_config(address).get("_class_name", "?")
        if kind != "VQModel":
            raise ModelError(f"{address!r} holds a {kind}, no VQModel: give a VQGAN, or diffusers:{address} to sample.")
        return VQModel.from_pretrained(address, use_safetensors=True, low_cpu_mem_usage=False)
    except DAMAGE as error:
        raise _unreadable(address, error) from error


def _read_taming(kind: Any, folder: Path) -> Any:
    import yaml
    from safetensors.torch import load_file

    weights, settings = sorted(folder.glob("*.safetensors")), sorted(folder.glob("*.yaml"))
    if not weights or not settings:
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        raise ModelError(
            f"{str(folder)!r} holds no VQGAN ({found}): give diffusers' config.json or a .yaml of taming-transformers, "
            "and weights in safetensors; pickled .ckpt files are never opened."
        )
    try:
        asked = yaml.safe_load(settings[0].read_text(encoding="utf-8"))["model"]["params"]
        model = kind(**taming_config(asked))
        model.load_state_dict(taming_weights(load_file(weights[0])))
    except DAMAGE as error:
        raise _unreadable(str(folder), error) from error
    return model


def taming_config(params: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of diffusers' `VQModel` for `model.params` of a taming configuration."""
    shape = params["ddconfig"]
    levels, resolution = shape["ch_mult"], int(shape["resolution"])
    attended = [resolution // 2**level in shape["attn_resolutions"] for level in range(len(levels))]
    return {
        "in_channels": shape["in_channels"],
        "out_channels": shape["out_ch"],
        "block_out_channels": tuple(shape["ch"] * level for level in levels),
        "down_block_types": tuple("AttnDownEncoderBlock2D" if one else "DownEncoderBlock2D" for one in attended),
        "up_block_types": tuple("AttnUpDecoderBlock2D" if one else "UpDecoderBlock2D" for one in reversed(attended)),
        "layers_per_block": shape["num_res_blocks"],
        "latent_channels": shape["z_channels"],
        "sample_size": resolution,
        "num_vq_embeddings": params["n_embed"],
        "vq_embed_dim": params["embed_dim"],
    }


def taming_weights(state: Mapping[str, Any]) -> dict[str, Any]:
    """Weights under diffusers' names; the discriminator and the perceptual network of training are left out."""
    levels = 1 + max(int(found[1]) for name in state if (found := re.match(r"decoder\.up\.(\d+)\.", name)))
    kept = {name: value for name, value in state.items() if not name.startswith("loss.")}
    return {
        _diffusers_name(name, levels): value.flatten(1) if _is_projection(name, value) else value
        for name, value in kept.items()
    }


def _is_projection(name: str, value: Any) -> bool:
    """1 × 1 convolutions of an attention, which diffusers has as matrices."""
    return bool(re.search(r"\.attn(_1|\.\d+)\.(q|k|v|proj_out)\.weight$", name)) and value.ndim == 4


def _diffusers_name(name: str, levels: int) -> str:
    """One weight's name: `decoder.up.0.block.1.nin_shortcut.bias` → `decoder.up_blocks.3.resnets.1.conv_shortcut.bias`.

    Taming numbers the decoder's levels by resolution, diffusers by the order in which they are passed.
    """
    tower, _, rest = name.partition(".")
    if tower not in ("encoder", "decoder"):
        return name
    *path, last, kind = rest.split(".")
    match path:
        case []:
            return f"{tower}.{'conv_norm_out' if last == 'norm_out' else last}.{kind}"
        case ["mid", "attn_1"]:
            return f"{tower}.mid_block.attentions.0.{_ATTENTION[last]}.{kind}"
        case ["mid", block]:
            return f"{tower}.mid_block.resnets.{int(block[-1]) - 1}.{_BLOCK.get(last, last)}.{kind}"
    side, level = path[0], int(path[1])
    home = f"{tower}.{side}_blocks.{level if side == 'down' else levels - 1 - level}"
    match path[2:]:
        case ["block", number]:
            return f"{home}.resnets.{number}.{_BLOCK.get(last, last)}.{kind}"
        case ["attn", number]:
            return f"{home}.attentions.{number}.{_ATTENTION[last]}.{kind}"
    return f"{home}.{'downsamplers' if side == 'down' else 'upsamplers'}.0.conv.{kind}"


def _unreadable(address: str, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:300]
    return ModelError(f"The VQGAN at {address!r} cannot be read ({reason}): fetch or convert it again.")
