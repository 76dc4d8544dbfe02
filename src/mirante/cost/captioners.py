"""The shape of a captioner, from its configuration alone: the tower that sees, the decoder that writes.

What a decoder's block keeps for its backward pass was counted tensor by tensor, as in `memory`. Beside the tokens' own
numbers it is: where it looks at the picture by cross-attention, four numbers of width w for each token and a key and a
value for each of the picture's; GPT-2's GELU, three numbers of the hidden layer's width more; attention that is not
computed in one piece, its table of every head, three times where it drops some of it.
"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from mirante.captioning.shapes import NewDecoder
from mirante.cost.shapes import Shape, Tower, configuration, image_tower, matrices, network
from mirante.errors import UsageError
from mirante.training import Parameters, TrainConfig
from mirante.training.config import Caption

_SEES = {"git": ("git.image_encoder.",), "vision-encoder-decoder": ("encoder.",), "blip": ("vision_model.",)}
_TOWERS = ("model.vision_tower.", "vision_tower.", "model.vision_model.", "model.visual.", "visual.")
_LOOKS = ("blip", "vision-encoder-decoder")
"""Families whose decoder looks at the picture by cross-attention; the others read its tokens before the words."""


def shape(config: TrainConfig, caption: Caption) -> Shape:
    """The shape of the captioner that `config` trains, with what it trains of it; captions as long as they may be.

    Raises:
        UsageError: the model is neither here nor known nor on a hub that can be reached, or writes no captions.
    """
    settings = configuration(config.model)
    words = caption.tokens + 1 + len(caption.prompt.split())
    module = _over(settings, caption.decoder, words) if caption.decoder else _whole(settings)
    settings = module.config
    kind = str(settings.model_type)
    parameters = _count(config, caption, module, _SEES.get(kind, _TOWERS))
    vision = settings.encoder if kind == "vision-encoder-decoder" else settings.vision_config
    spoken = settings.decoder if kind == "vision-encoder-decoder" else getattr(settings, "text_config", settings)
    image = _sees(vision)
    text = _reads(spoken, image, words) if kind in _LOOKS else _reads_on(spoken, image, words)
    if config.trained.image == "none":
        image = replace(image, trained=0)
    pixels = int(vision.image_size)
    return Shape(kind, image, text, 0, pixels, parameters, matrices(module), vocabulary=int(spoken.vocab_size))


def _over(settings: Any, new: NewDecoder, words: int) -> Any:
    """A new decoder over the image tower of a retrieval model, with as many tokens as are asked for."""
    import torch

    from mirante.captioning import decoder

    tower = network(settings).vision_model
    marks = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    with torch.device("meta"):
        return decoder.network(tower, new, vocabulary=new.vocabulary, places=words, marks=marks)


def _whole(settings: Any) -> Any:
    """A captioner without memory."""
    import torch
    import transformers

    from mirante.encoders._checkpoint import quiet

    try:
        with torch.device("meta"), quiet():
            return transformers.AutoModelForImageTextToText.from_config(settings)
    except ValueError as error:
        raise UsageError(
            f"A model of type {settings.model_type!r} writes no captions: start from a captioner such as a BLIP, or "
            "give [caption.decoder]."
        ) from error


def _count(config: TrainConfig, caption: Caption, module: Any, sees: tuple[str, ...]) -> Parameters:
    """Trained parameters and all, by the code of training."""
    from mirante.training.writes import Writes

    captioner = SimpleNamespace(module=module, form=SimpleNamespace(vision=sees))
    return Parameters(*Writes(config, caption, cast("Any", captioner)).choose())


def _sees(vision: Any) -> Tower:
    """Without the head that pools, which no captioner asks for."""
    tower = image_tower(vision, clip=True)
    return replace(tower, tokens=tower.tokens - 1) if "siglip" in vision.model_type else tower


def _reads(spoken: Any, image: Tower, words: int) -> Tower:
    """A decoder that looks at the picture's tokens in every block."""
    plain = _decoder(spoken, words)
    width, depth = plain.width, plain.depth
    looks = depth * (
        2 * words * width * width + 2 * image.tokens * image.width * width + 2 * words * image.tokens * width
    )
    beside = plain.beside + 4 * words * width + 2 * image.tokens * width
    beside += _tables(spoken) * plain.heads * words * (image.tokens + words)
    return replace(plain, products=plain.products + looks, beside=beside)


def _reads_on(spoken: Any, image: Tower, words: int) -> Tower:
    """A decoder that reads the picture's tokens before the words."""
    plain = _decoder(spoken, words + image.tokens)
    return replace(plain, beside=plain.beside + _tables(spoken) * plain.heads * plain.tokens**2)


def _decoder(spoken: Any, tokens: int) -> Tower:
    """Its own blocks, and the choice of every word."""
    width, depth, heads = spoken.hidden_size, spoken.num_hidden_layers, spoken.num_attention_heads
    inner = getattr(spoken, "intermediate_size", None) or getattr(spoken, "n_inner", None) or 4 * width
    act = str(getattr(spoken, "hidden_act", None) or getattr(spoken, "activation_function", ""))
    gated = act == "silu"  # two matrices into the hidden layer, and one out of it
    beside = tokens * inner * (3 if act == "gelu_new" else 2 if gated else 0)
    beside += 3 * tokens * width if _drops(spoken) else 0
    products = tokens * (width * spoken.vocab_size + (depth * width * inner if gated else 0))
    return Tower(tokens, width, depth, inner, heads, depth, float(products), beside=float(beside))


def _drops(spoken: Any) -> bool:
    """Whether attention forgets some of what it sees in training."""
    names = ("attn_pdrop", "attention_probs_dropout_prob", "attention_dropout")
    return any(getattr(spoken, name, 0.0) for name in names)


def _tables(spoken: Any) -> int:
    """How often the table of an attention is kept: never where torch computes it in one piece."""
    if _drops(spoken):
        return 3
    return 1 if spoken.model_type in ("blip_text_model", "git") else 0
