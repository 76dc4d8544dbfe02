"""Pipelines of diffusers, tiny and random: they are called as the library says, and an encoder ranks what they draw."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.utils import logging
from PIL import Image

from mirante.errors import ModelError, UsageError
from mirante.imagine import Steps, Wish, best_first, imagine
from mirante.imagine.sampling import Sampler
from mirante.types import Term

RED, GREEN = Term(1.0, "red"), Term(1.0, "green")


def parts() -> dict[str, object]:
    """The parts of a Stable Diffusion that draws 16 × 16 pixels."""
    torch.manual_seed(0)
    letters = sorted(set("red blue green"))
    tokens = [*letters, *(f"{one}</w>" for one in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = transformers.CLIPTokenizer(vocab={one: at for at, one in enumerate(tokens)}, merges=[])
    tokenizer.model_max_length = 12
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"bos_token_id": len(tokens) - 2, "eos_token_id": len(tokens) - 1, "pad_token_id": len(tokens) - 1}
    text = transformers.CLIPTextConfig(vocab_size=len(tokens), max_position_embeddings=12, **tower, **ends)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    halves = {"down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2}
    vae = AutoencoderKL(block_out_channels=[8, 8], latent_channels=4, norm_num_groups=4, **halves)
    return {
        "tokenizer": tokenizer,
        "text_encoder": transformers.CLIPTextModel(text),
        "unet": unet,
        "vae": vae,
        "scheduler": DDIMScheduler(steps_offset=1, clip_sample=False),
        "safety_checker": None,
        "feature_extractor": None,
    }


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("diffusion")
    StableDiffusionPipeline(**parts(), requires_safety_checker=False).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def library(address: str) -> StableDiffusionPipeline:
    """The pipeline as the library opens it."""
    pipeline = StableDiffusionPipeline.from_pretrained(address, low_cpu_mem_usage=False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_a_sample_is_what_the_library_draws(address: str, library) -> None:
    found = Sampler(address, "cpu").sample((RED, GREEN), seed=3, steps=2)
    wanted = library("red, green", num_inference_steps=2, generator=torch.Generator().manual_seed(3)).images[0]
    assert found.size == (16, 16)
    assert np.array_equal(np.asarray(found), np.asarray(wanted))


def test_texts_below_zero_are_the_negative_prompt_and_the_size_can_be_chosen(address: str, library) -> None:
    found = Sampler(address, "cpu").sample((RED, Term(-1.0, "blue")), seed=0, steps=2, size=32)
    given = {"negative_prompt": "blue", "num_inference_steps": 2, "height": 32, "width": 32}
    wanted = library("red", **given, generator=torch.Generator().manual_seed(0)).images[0]
    without = library("red", **given | {"negative_prompt": ""}, generator=torch.Generator().manual_seed(0)).images[0]
    assert found.size == (32, 32)
    assert np.array_equal(np.asarray(found), np.asarray(wanted))
    assert not np.array_equal(np.asarray(found), np.asarray(without))


def test_samples_are_ranked_by_the_encoder(address: str, colours) -> None:
    wish = Wish((RED,), f"diffusers:{address}", seeds=(0, 1, 2, 3), steps=Steps(2))
    found = best_first(imagine(wish, colours))
    redness = [np.asarray(one.image, np.float64).mean(axis=(0, 1)) for one in found]
    shares = [mean[0] / np.linalg.norm(mean) for mean in redness]
    assert [one.similarity for one in found] == pytest.approx(shares, abs=1e-5)
    assert shares == sorted(shares, reverse=True)
    assert sorted(one.seed for one in found) == [0, 1, 2, 3]
    assert [step for step, _ in found[0].way] == [2]


def test_a_pipeline_that_starts_from_a_picture_is_refused(address: str, tmp_path: Path) -> None:
    StableDiffusionImg2ImgPipeline(**parts(), requires_safety_checker=False).save_pretrained(tmp_path)
    sampler = f"{str(tmp_path)!r} is a StableDiffusionImg2ImgPipeline"
    with pytest.raises(ModelError, match="draws from a picture: give a text-to-image pipeline") as told:
        Sampler(str(tmp_path))
    assert sampler in str(told.value)


def test_a_text_is_needed(address: str) -> None:
    with pytest.raises(UsageError, match="give one that counts above 0"):
        Sampler(address, "cpu").sample((Term(1.0, image=Image.new("RGB", (4, 4))), Term(-1.0, "red")), 0, steps=1)


def test_what_is_no_pipeline_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a pipeline"):
        Sampler("")
    with pytest.raises(UsageError, match="no folder 'nowhere'"):
        Sampler("nowhere")
    with pytest.raises(ModelError, match=r"no pipeline that can be read.*model_index.json"):
        Sampler(str(tmp_path))


def test_a_text_that_counts_nothing_is_neither_wanted_nor_unwanted(address: str) -> None:
    plain, more = (Sampler(address, "cpu").sample(terms, 0, steps=1) for terms in ((RED,), (RED, Term(0.0, "blue"))))
    assert np.array_equal(np.asarray(plain), np.asarray(more))


def test_several_texts_below_zero_are_one_negative_prompt(address: str, library) -> None:
    found = Sampler(address, "cpu").sample((RED, Term(-1.0, "blue"), Term(-1.0, "green")), 0, steps=1)
    given = {"negative_prompt": "blue, green", "num_inference_steps": 1}
    wanted = library("red", **given, generator=torch.Generator().manual_seed(0)).images[0]
    assert np.array_equal(np.asarray(found), np.asarray(wanted))


@pytest.mark.parametrize(
    ("terms", "size", "message"),
    [
        ((RED, Term(-1.0, "blue")), None, r"takes no 'negative_prompt': leave out --minus 'blue'"),
        ((RED,), 32, r"takes no 'height': leave out --size 32"),
    ],
)
def test_what_a_pipeline_does_not_take_is_told(address: str, terms, size, message: str) -> None:
    plain = Sampler(address, "cpu")
    plain._asks = {"prompt": None}
    with pytest.raises(UsageError, match=message):
        plain.sample(terms, 0, steps=1, size=size)


def test_pickled_weights_are_not_opened(tmp_path: Path) -> None:
    pipeline = StableDiffusionPipeline(**parts(), requires_safety_checker=False)
    pipeline.save_pretrained(tmp_path, safe_serialization=False)
    with pytest.raises(ModelError, match="weights in safetensors"):
        Sampler(str(tmp_path))


def test_the_library_says_afterwards_as_much_as_before(address: str) -> None:
    logging.set_verbosity_info()
    try:
        Sampler(address, "cpu")
        assert logging.get_verbosity() == logging.INFO
    finally:
        logging.set_verbosity_warning()
