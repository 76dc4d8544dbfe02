"""unCLIP, the design of DALL·E 2: prior, decoder and enlarger have steps of their own."""

import json

import torch
import transformers
from diffusers import PriorTransformer, UnCLIPPipeline, UnCLIPScheduler, UNet2DConditionModel, UNet2DModel
from diffusers.pipelines.deprecated.unclip import UnCLIPTextProjModel

from mirante.imagine import Steps, Wish, imagine
from mirante.types import Term

WIDTH = 16


def tokenizer_and_tower() -> tuple[object, object]:
    letters = sorted("red")
    tokens = [*letters, *(f"{one}</w>" for one in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = transformers.CLIPTokenizer(vocab={one: at for at, one in enumerate(tokens)}, merges=[])
    tokenizer.model_max_length = 77
    tower = {"hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"bos_token_id": 6, "eos_token_id": 7, "pad_token_id": 7}
    config = transformers.CLIPTextConfig(vocab_size=8, projection_dim=WIDTH, **tower, **ends)
    return tokenizer, transformers.CLIPTextModelWithProjection(config)


def enlarger() -> UNet2DModel:
    return UNet2DModel(
        sample_size=16,
        in_channels=6,
        out_channels=3,
        layers_per_block=1,
        block_out_channels=(8, 16),
        down_block_types=("ResnetDownsampleBlock2D",) * 2,
        up_block_types=("ResnetUpsampleBlock2D",) * 2,
        norm_num_groups=4,
    )


def pipeline() -> UnCLIPPipeline:
    torch.manual_seed(0)
    tokenizer, tower = tokenizer_and_tower()
    decoder = UNet2DConditionModel(
        sample_size=8,
        in_channels=3,
        out_channels=6,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        attention_head_dim=4,
        norm_num_groups=4,
        cross_attention_dim=WIDTH,
        class_embed_type="identity",
        resnet_time_scale_shift="scale_shift",
    )
    return UnCLIPPipeline(
        prior=PriorTransformer(num_attention_heads=2, attention_head_dim=4, embedding_dim=WIDTH, num_layers=1),
        decoder=decoder,
        text_encoder=tower,
        tokenizer=tokenizer,
        text_proj=UnCLIPTextProjModel(clip_embeddings_dim=WIDTH, time_embed_dim=32, cross_attention_dim=WIDTH),
        super_res_first=enlarger(),
        super_res_last=enlarger(),
        prior_scheduler=UnCLIPScheduler(
            prediction_type="sample", variance_type="fixed_small_log", clip_sample_range=5.0
        ),
        decoder_scheduler=UnCLIPScheduler(prediction_type="epsilon", variance_type="learned_range"),
        super_res_scheduler=UnCLIPScheduler(prediction_type="epsilon", variance_type="fixed_small_log"),
    )


def test_unclip_draws_and_the_encoder_ranks(tmp_path, colours) -> None:
    pipeline().save_pretrained(tmp_path)
    index = json.loads((tmp_path / "model_index.json").read_text(encoding="utf-8"))
    published = index | {"text_proj": ["unclip", "UnCLIPTextProjModel"]}
    (tmp_path / "model_index.json").write_text(json.dumps(published), encoding="utf-8")
    wish = Wish((Term(1.0, "red"),), f"diffusers:{tmp_path}", seeds=(0, 1), steps=Steps(2))
    first, second = imagine(wish, colours)
    assert first.image.size == (16, 16)
    assert first.image.tobytes() != second.image.tobytes()
    assert -1 <= first.similarity <= 1
