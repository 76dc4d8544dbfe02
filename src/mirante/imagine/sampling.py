"""Text-to-image pipelines of diffusers: Stable Diffusion and its kin, and unCLIP, the design of DALL·E 2.

Sources: Rombach et al. 2022 (arXiv 2112.10752), Ramesh et al. 2022 (unCLIP, arXiv 2204.06125). Several samples of a
prompt, of which an encoder names the best, as in Ramesh et al. 2021 (DALL·E, arXiv 2102.12092, §2.6).
"""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image

from mirante.errors import MissingLibrary, ModelError, UsageError
from mirante.types import Term

DAMAGE = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError)
STAGES = ("num_inference_steps", "prior_num_inference_steps", "decoder_num_inference_steps")
"""Arguments that take the number of steps; unCLIP has one for each stage."""
FROM_PICTURES = {"strength", "mask_image", "image_guidance_scale"}
"""Arguments of pipelines that change a picture."""


class Sampler:
    """A pipeline that draws what a text says.

    Args:
        address: a folder or hub id in diffusers' format, in safetensors.
        device: a torch device; None for CUDA where it is, else the processor.

    Raises:
        MissingLibrary: diffusers is not installed.
        UsageError: no address, or no such folder.
        ModelError: the pipeline cannot be read, or does not make pictures from texts alone.
    """

    def __init__(self, address: str, device: str | None = None) -> None:
        if not address:
            raise UsageError("'diffusers' needs a pipeline: write diffusers:FOLDER or diffusers:OWNER/NAME.")
        pipeline = _read(address)
        self._asks = inspect.signature(pipeline.__call__).parameters
        if "prompt" not in self._asks or FROM_PICTURES & self._asks.keys():
            source = "a picture" if "prompt" in self._asks else "no text"
            raise ModelError(
                f"{address!r} is a {type(pipeline).__name__}, which draws from {source}: give a text-to-image pipeline."
            )
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._pipeline = pipeline.to(self._device)
        self._pipeline.set_progress_bar_config(disable=True)

    def sample(self, terms: Sequence[Term], seed: int, *, steps: int, size: int | None = None) -> Image:
        """One picture.

        Args:
            terms: texts above 0 are the prompt, texts below 0 the negative prompt; pictures only judge.
            seed: of the noise, which is drawn on the processor.
            steps: of each stage of the diffusion.
            size: side in pixels; None for the pipeline's own.

        Raises:
            UsageError: no text counts above 0, or the pipeline has no negative prompts or sizes.
        """
        given = self._prompts(terms) | {name: steps for name in STAGES if name in self._asks}
        if size is not None:
            self._require("height", f"--size {size}")
            given |= {"height": size, "width": size}
        given["generator"] = torch.Generator().manual_seed(seed)
        image: Image = self._pipeline(**given).images[0]
        return image.convert("RGB")

    def _prompts(self, terms: Sequence[Term]) -> dict[str, Any]:
        wanted = [term.text for term in terms if term.text is not None and term.weight > 0]
        unwanted = [term.text for term in terms if term.text is not None and term.weight < 0]
        if not wanted:
            raise UsageError("A pipeline draws from a text: give one that counts above 0.")
        if unwanted:
            self._require("negative_prompt", f"--minus {unwanted[0]!r}")
            return {"prompt": ", ".join(wanted), "negative_prompt": ", ".join(unwanted)}
        return {"prompt": ", ".join(wanted)}

    def _require(self, name: str, asked: str) -> None:
        if name not in self._asks:
            raise UsageError(f"A {type(self._pipeline).__name__} takes no {name!r}: leave out {asked}.")


def _name_unclip() -> None:
    """Let diffusers find unCLIP's own part by the name that published checkpoints have for it.

    It moved the module below `deprecated`, and looks for it where it was.
    """
    from diffusers import pipelines

    if not hasattr(pipelines, "unclip"):
        from diffusers.pipelines.deprecated import unclip

        pipelines.unclip = unclip


def _read(address: str) -> Any:
    try:
        from diffusers import DiffusionPipeline
        from diffusers.utils import logging
    except ModuleNotFoundError as error:
        raise MissingLibrary("diffusers", "imagine", "A pipeline") from error
    if not Path(address).is_dir() and address.count("/") != 1:
        raise UsageError(f"There is no folder {address!r}: give that of a pipeline, or a hub id owner/name.")
    _name_unclip()
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        return DiffusionPipeline.from_pretrained(address, use_safetensors=True, low_cpu_mem_usage=False)
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{address!r} is no pipeline that can be read ({reason}): give a folder or hub id with model_index.json "
            "and weights in safetensors, or vqgan:ADDRESS for a VQGAN."
        ) from error
    finally:
        logging.set_verbosity(level)
