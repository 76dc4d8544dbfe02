"""Tiny random checkpoints of each family, each with its own tokenizer: for contract tests and `doctor`."""

from pathlib import Path
from typing import Any

from mirante.encoders._checkpoint import quiet, torch, transformers

CORPUS = (
    "a red square on a blue background", "two yellow stars at night", "three green fish under the bridge",
    "um quadrado vermelho sobre um fundo azul", "duas estrelas amarelas à noite", "três peixes verdes e um cão",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789", "áàâãéêíóôõúç ÁÀÂÃÉÊÍÓÔÕÚÇ", ".,;:!?'-",
)  # fmt: skip
TOWER = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


def siglip(folder: Path, *, lower: bool = True) -> str:
    """A random SigLIP (32×32 pixels, patch 8, 16 tokens) in `folder`; returns its address."""
    tokenizer = _tokenizer(lower=lower)
    network = transformers.SiglipConfig(
        text_config={**TOWER, **_special(tokenizer), "max_position_embeddings": 16},
        vision_config={**TOWER, "image_size": 32, "patch_size": 8},
    )
    pictures = transformers.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return _write(folder, transformers.SiglipModel, network, (tokenizer, pictures))


def _tokenizer(*, lower: bool) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    words = Tokenizer(models.BPE(unk_token="<unk>"))  # noqa: S106 - a token of text
    words.normalizer = normalizers.Sequence([normalizers.NFC(), *([normalizers.Lowercase()] if lower else [])])
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=300, special_tokens=["<pad>", "<unk>", "<eos>"], show_progress=False)
    )
    words.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", words.token_to_id("<eos>"))]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
        eos_token="<eos>",  # noqa: S106
        model_input_names=["input_ids"],
    )


def _special(tokenizer: Any) -> dict[str, int]:
    return {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.eos_token_id,
    }


def _write(folder: Path, kind: Any, config: Any, parts: tuple[Any, ...]) -> str:
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(7)
        module = kind(config)
        for part in (module, *parts):
            part.save_pretrained(folder)
    return str(folder)
