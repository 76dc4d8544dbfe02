"""Where training starts: an existing checkpoint, or a new SigLIP-shaped model with a tokenizer of its own."""

import math
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirante import encoders
from mirante.errors import ModelError, UsageError
from mirante.training.config import Model, NewModel
from mirante.training.pictures import input_size

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder

_BIAS, _SCALE = -4.0, 10.0
_LETTERS = "abcdefghijklmnopqrstuvwxyzáàâãçéêíóôõúü0123456789-'.,!?"


def open_model(model: Model, texts: Iterable[str], device: str = "auto", *, guided: bool = False) -> "DualEncoder":
    """The encoder to train, or where `guided` to train a guide over, which may be a BLIP-2.

    `texts` teach a new model's tokenizer and are not read otherwise.

    Raises:
        UsageError: neither or both of `start` and `new` are given.
        ModelError: the encoder cannot be trained: it has no weights, or takes pictures of any shape.
    """
    if (model.start is None) == (model.new is None):
        raise UsageError('[model] needs exactly one of start = "…" and [model.new]: give one of them.')
    if model.start is not None:
        encoder = encoders.load(model.start, encoders.Settings(device=device, revision=model.revision))
    else:
        with tempfile.TemporaryDirectory() as folder:
            write_new(model.new or NewModel(), texts, Path(folder))
            encoder = encoders.load(folder, encoders.Settings(device=device))
    if ("guide" if guided else "train") not in getattr(encoder, "learns", ()):
        raise ModelError(
            f"The model {model.start!r} has no weights to train here: start from a CLIP or SigLIP checkpoint."
        )
    trained: DualEncoder = encoder  # type: ignore[assignment]
    input_size(trained)
    return trained


def write_new(new: NewModel, texts: Iterable[str], folder: Path) -> None:
    """Write a random checkpoint of that shape; torch's global generator decides its weights."""
    import torch
    from safetensors.torch import save_file
    from transformers import SiglipImageProcessorPil, SiglipModel

    from mirante.encoders._checkpoint import quiet

    tokenizer = _tokenizer(new, texts)
    module = SiglipModel(architecture(new, len(tokenizer), tokenizer.pad_token_id, tokenizer.eos_token_id))
    with torch.no_grad():
        module.logit_scale.fill_(math.log(_SCALE))
        module.logit_bias.fill_(_BIAS)
    with quiet():
        module.config.save_pretrained(folder)
    save_file(module.state_dict(), folder / "model.safetensors", {"format": "pt"})  # by every process of several
    tokenizer.save_pretrained(folder)
    side = {"height": new.image_size, "width": new.image_size}
    SiglipImageProcessorPil(size=side, resample=2).save_pretrained(folder)


def architecture(new: NewModel, vocabulary: int, pad: int = 0, end: int = 1) -> Any:
    """A configuration of transformers of that shape, for a tokenizer of so many tokens."""
    from transformers import SiglipConfig

    tower = {
        "hidden_size": new.width,
        "intermediate_size": 4 * new.width,
        "num_attention_heads": max(1, new.width // new.head_width),
    }
    words = {
        "vocab_size": vocabulary,
        "max_position_embeddings": new.text_length,
        "num_hidden_layers": new.text_depth,
        "projection_size": new.width,
        "pad_token_id": pad,
        "bos_token_id": end,
        "eos_token_id": end,
    }
    sight = {"image_size": new.image_size, "patch_size": new.patch_size, "num_hidden_layers": new.image_depth}
    return SiglipConfig(text_config=tower | words, vision_config=tower | sight)


def _tokenizer(new: NewModel, texts: Iterable[str]) -> Any:
    """Lower-casing byte-pair encoding that knows the letters of both languages."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))  # noqa: S106 - a token of text
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    words, signs = pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(r'[.,;:!?()"]'), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, signs])
    trainer = trainers.BpeTrainer(
        vocab_size=new.vocabulary,
        special_tokens=["<pad>", "</s>", "<unk>"],
        initial_alphabet=list(_LETTERS),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",  # noqa: S106 - a token of text
        eos_token="</s>",  # noqa: S106 - a token of text
        unk_token="<unk>",  # noqa: S106 - a token of text
        model_max_length=new.text_length,
    )
