"""Small random checkpoints of each family, each with a tokenizer of its own kind."""

from pathlib import Path
from typing import Any

import torch
import transformers

from mirante.encoders._checkpoint import quiet

CORPUS = (
    "a red square on a blue background", "two yellow stars at night", "three green fish under the bridge",
    "um quadrado vermelho sobre um fundo azul", "duas estrelas amarelas à noite", "três peixes verdes e um cão",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789", "áàâãéêíóôõúç ÁÀÂÃÉÊÍÓÔÕÚÇ", ".,;:!?'-",
)  # fmt: skip
TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
PICTURE = {"image_size": 32, "patch_size": 8}
LENGTH = 16
CHAT = (
    "<s>{% for said in messages %}{{ said.role | upper }}: {% for part in said.content %}"
    "{{ '<image>\n' if part.type == 'image' else part.text }}{% endfor %} {% endfor %}ASSISTANT:"
)
"""How a conversation is written out: the start token, each part with its speaker, and who speaks next."""


def clip(folder: Path) -> str:
    """A CLIP with a lower-casing tokenizer in `folder`; returns its address."""
    tokenizer = clip_tokenizer()
    config = transformers.CLIPConfig(
        text_config=TOWER | _special(tokenizer) | {"max_position_embeddings": LENGTH, "projection_dim": 24},
        vision_config=TOWER | PICTURE | {"projection_dim": 24},
        projection_dim=24,
    )
    size, crop = {"shortest_edge": 32}, {"height": 32, "width": 32}
    pictures = transformers.CLIPImageProcessorPil(size=size, crop_size=crop)
    return _write(folder, transformers.CLIPModel, config, (tokenizer, pictures))


def siglip(folder: Path, *, second: bool = False) -> str:
    """A SigLIP in `folder`, or a `second` one with Gemma's tokenizer that keeps case; returns its address."""
    tokenizer = _gemma_tokenizer(transformers.GemmaTokenizer) if second else _trained_tokenizer()
    config = transformers.SiglipConfig(
        text_config=TOWER | _special(tokenizer) | {"max_position_embeddings": LENGTH},
        vision_config=TOWER | PICTURE,
    )
    pictures = transformers.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return _write(folder, transformers.SiglipModel, config, (tokenizer, pictures))


def naflex(folder: Path) -> str:
    """A SigLIP 2 NaFlex of at most 16 patches in `folder`; returns its address."""
    tokenizer = _gemma_tokenizer(transformers.Siglip2Tokenizer)
    config = transformers.Siglip2Config(
        text_config=TOWER | _special(tokenizer) | {"max_position_embeddings": LENGTH},
        vision_config=TOWER | {"patch_size": 8, "num_patches": 16},
    )
    pictures = transformers.Siglip2ImageProcessorPil(patch_size=8, max_num_patches=16)
    return _write(folder, transformers.Siglip2Model, config, (tokenizer, pictures))


def blip(folder: Path) -> str:
    """A BLIP for matching in `folder`, with weights large enough to tell pictures apart; returns its address."""
    tokenizer = _bert_tokenizer()
    joint = {"projection_dim": 16, "initializer_range": 0.3}
    special = _special(tokenizer) | {"bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
    config = transformers.BlipConfig(
        text_config=TOWER | special | joint | {"encoder_hidden_size": 32, "max_position_embeddings": 64},
        vision_config=TOWER | PICTURE | joint,
        image_text_hidden_size=16,
        **joint,
    )
    pictures = transformers.BlipImageProcessorPil(size={"height": 32, "width": 32})
    return _write(folder, transformers.BlipForImageTextRetrieval, config, (tokenizer, pictures))


def blip2(folder: Path) -> str:
    """A BLIP-2 for matching in `folder`, with weights large enough to tell pictures apart; returns its address."""
    tokenizer = _bert_tokenizer()
    joint = {"initializer_range": 0.3}
    former = {"encoder_hidden_size": 32, "max_position_embeddings": 64, "use_qformer_text_input": True}
    config = transformers.Blip2Config(
        vision_config=TOWER | PICTURE | joint,
        qformer_config=TOWER | {"vocab_size": len(tokenizer)} | former | joint,
        num_query_tokens=4,
        image_text_hidden_size=16,
        **joint,
    )
    pictures = transformers.BlipImageProcessorPil(size={"height": 32, "width": 32})
    return _write(folder, transformers.Blip2ForImageTextRetrieval, config, (tokenizer, pictures))


def llava(folder: Path) -> str:
    """A LLaVA that answers questions on pictures in `folder`, with weights large enough to tell them apart."""
    tokenizer = _chat_tokenizer()
    loud = {"initializer_range": 0.3}
    config = transformers.LlavaConfig(
        text_config=transformers.LlamaConfig(**TOWER, **_special(tokenizer), **loud, max_position_embeddings=1024),
        vision_config=transformers.CLIPVisionConfig(**TOWER, **PICTURE, **loud),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=16,
        **loud,
    )
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    processor = transformers.LlavaProcessor(
        transformers.CLIPImageProcessorPil(**sizes),
        tokenizer,
        patch_size=PICTURE["patch_size"],
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    )
    return _write(folder, transformers.LlavaForConditionalGeneration, config, (processor,))


def _bert_tokenizer() -> Any:
    """Letters of `CORPUS`, lower-cased, as first or later parts of a word."""
    letters = sorted({letter for line in CORPUS for letter in line.lower() if letter != " "})
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    return transformers.BertTokenizer(vocab={token: at for at, token in enumerate(tokens)})


def _trained_tokenizer() -> Any:
    """Byte pairs learnt from `CORPUS`, lower-cased, one end token."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    pad, unknown, end = "<pad>", "<unk>", "<eos>"
    words = Tokenizer(models.BPE(unk_token=unknown))
    words.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=[pad, unknown, end], show_progress=False)
    words.train_from_iterator(CORPUS, trainer)
    words.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, words.token_to_id(end))]
    )
    names = {"pad_token": pad, "unk_token": unknown, "eos_token": end}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words, model_input_names=["input_ids"], **names)


def clip_tokenizer() -> Any:
    """Every letter with and without the end of a word, then the start and end tokens, as CLIP numbers them."""
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return transformers.CLIPTokenizer(vocab={token: at for at, token in enumerate(tokens)}, merges=[])


def _gemma_tokenizer(kind: Any) -> Any:
    """Letters of `CORPUS` in both cases; the end token is added, the start token is not, as SigLIP 2 is stored."""
    marks = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁"]
    letters = sorted({letter for line in CORPUS for letter in line if letter != " "})
    return kind(
        vocab={token: at for at, token in enumerate([*marks, *letters])},
        merges=[],
        padding_side="right",
        model_input_names=["input_ids"],
        add_bos_token=False,
        add_eos_token=True,
    )


def _chat_tokenizer() -> Any:
    """Bytes, and "yes", "no" and "sim" as tokens of their own, also capital and after a space; "não" is bytes.

    It puts the start token before every text, as Llama's does.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    names = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    words, letters = Tokenizer(models.BPE()), pre_tokenizers.ByteLevel.alphabet()
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        special_tokens=[*names.values(), "<image>"], initial_alphabet=letters, show_progress=False
    )
    answers = [space + word for word in ("yes", "no", "sim", "Yes", "No", "Sim") for space in ("", " ")]
    words.train_from_iterator(answers, trainer)
    start = ("<s>", words.token_to_id("<s>"))
    words.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[start])
    marks = {"extra_special_tokens": {"image_token": "<image>"}}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words, **names, **marks)


def _special(tokenizer: Any) -> dict[str, int | None]:
    marks = {f"{mark}_token_id": getattr(tokenizer, f"{mark}_token_id") for mark in ("pad", "bos", "eos")}
    return {"vocab_size": max(tokenizer.get_vocab().values()) + 1, **marks}


def _write(folder: Path, kind: Any, config: Any, parts: tuple[Any, ...]) -> str:
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(7)
        for part in (kind(config), *parts):
            part.save_pretrained(folder)
    return str(folder)
