"""Small random checkpoints of chat models that see: Qwen-VL of three generations, and Janus."""

from pathlib import Path
from typing import Any

import transformers

from mirante.encoders._tiny import TOWER, _special, _write

LOUD = {"initializer_range": 0.3}
HEADS = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
QWEN = (
    "{% for said in messages %}<|im_start|>{{ said.role }}\n{% for part in said.content %}"
    "{{ '<|vision_start|><|image_pad|><|vision_end|>' if part.type == 'image' else part.text }}{% endfor %}"
    "<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
JANUS = (
    "<s>{% for said in messages %}<|{{ said.role | capitalize }}|>: {% for part in said.content %}"
    "{{ '<image_placeholder>\n' if part.type == 'image' else part.text }}{% endfor %}\n\n{% endfor %}<|Assistant|>:"
)


def qwen(folder: Path, generation: str) -> str:
    """A Qwen-VL of `generation` (`qwen2_vl`, `qwen2_5_vl` or `qwen3_vl`) in `folder`; returns its address."""
    marks = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>", "<|im_start|>", "<|im_end|>")
    names = {"pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"}
    tokenizer = _bytes(("<|endoftext|>", *marks), QWEN, **names)
    ids = tokenizer.convert_tokens_to_ids
    width = {"hidden_size": 32, "intermediate_size": 64}
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}
    sight: dict[str, Any] = {"depth": 2, "num_heads": 4, "patch_size": 8, **LOUD}
    if generation == "qwen2_vl":
        sight |= {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2}
    else:
        sight |= {**width, "out_hidden_size": 32}
    if generation == "qwen2_5_vl":
        sight |= {"window_size": 32, "fullatt_block_indexes": [1]}
    if generation == "qwen3_vl":
        sight |= {"num_position_embeddings": 16, "deepstack_visual_indexes": [0, 1]}
        rope["mrope_interleaved"] = True
    text = {**width, **HEADS, **LOUD, **_special(tokenizer), "rope_parameters": rope, "max_position_embeddings": 1024}
    text |= {"head_dim": 8} if generation == "qwen3_vl" else {}
    tokens = {
        f"{name}_token_id": ids(f"<|{mark}|>")
        for name, mark in (("image", "image_pad"), ("video", "video_pad"), ("vision_start", "vision_start"))
    } | {"vision_end_token_id": ids("<|vision_end|>")}
    config = transformers.AutoConfig.for_model(generation, text_config=text, vision_config=sight, **tokens)
    pictures = transformers.Qwen2VLImageProcessorPil(
        patch_size=8, merge_size=2, size={"shortest_edge": 16 * 16, "longest_edge": 48 * 48}
    )
    kind = transformers.AutoModelForImageTextToText._model_mapping[type(config)]
    return _write(folder, kind, config, (tokenizer, pictures))


def janus(folder: Path) -> str:
    """A Janus (32×32 pixels) in `folder`; returns its address."""
    marks = {"image_token": "<image_placeholder>", "boi_token": "<begin_of_image>", "eoi_token": "<end_of_image>"}
    names = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    tokenizer = _bytes((*names.values(), *marks.values()), JANUS, **names, extra_special_tokens=marks)
    config = transformers.JanusConfig(
        text_config={"model_type": "llama", **TOWER, **_special(tokenizer), **LOUD, "max_position_embeddings": 1024},
        vision_config=TOWER
        | {"image_size": 32, "patch_size": 8, "projection_dim": 32, "mlp_ratio": 2.0, "num_image_tokens": 16, **LOUD},
        vq_config={
            "embed_dim": 4, "num_embeddings": 8, "latent_channels": 32, "base_channels": 32, "projection_dim": 32,
            "channel_multiplier": [1, 1], "num_res_blocks": 1, "image_token_embed_dim": 32,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image_placeholder>"),
    )  # fmt: skip
    processor = transformers.JanusProcessor(
        transformers.JanusImageProcessorPil(size={"height": 32, "width": 32}, min_size=4),
        tokenizer,
        chat_template=JANUS,
        num_image_tokens=16,
    )
    return _write(folder, transformers.JanusForConditionalGeneration, config, (processor,))


def _bytes(special: tuple[str, ...], template: str, **names: Any) -> Any:
    """A tokenizer of bytes with those special tokens and that chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(special_tokens=list(special), initial_alphabet=letters, show_progress=False)
    words.train_from_iterator([], trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words, chat_template=template, **names)
