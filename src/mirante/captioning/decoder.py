"""A new captioner: the image tower of a retrieval model, and a small decoder that looks at it."""

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mirante.captioning.captioner import Captioner
from mirante.captioning.shapes import NewDecoder
from mirante.encoders import Settings
from mirante.errors import UsageError

if TYPE_CHECKING:
    from mirante.encoders._dual import DualEncoder

_MARKS = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
_LETTERS = "abcdefghijklmnopqrstuvwxyzáàâãçéêíóôõúü0123456789-'.,!?"


def build(encoder: "DualEncoder", new: NewDecoder, texts: Iterable[str], *, longest: int, prompt: str) -> Captioner:
    """A captioner with the image tower of `encoder` and random words; torch's global generator decides its weights.

    Args:
        encoder: its tower is copied.
        new: the decoder's shape.
        texts: what its tokenizer learns words from.
        longest: tokens of a caption, so many places the decoder has.
        prompt: words that captions go on from.

    Raises:
        UsageError: the shape is impossible.
    """
    if new.width % new.head_width or min(new.width, new.depth, new.head_width) < 1:
        raise UsageError(
            f"A decoder of width {new.width}, depth {new.depth} and heads of {new.head_width} cannot be: the width "
            "must be a multiple of the head's."
        )
    tokenizer = _tokenizer(new.vocabulary, texts)
    marks = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    places = longest + len(tokenizer(prompt)["input_ids"]) + 1
    module = network(encoder.module.vision_model, new, vocabulary=len(tokenizer), places=places, marks=marks)
    module.config.decoder_start_token_id = tokenizer.bos_token_id
    module.config.pad_token_id, module.config.eos_token_id = tokenizer.pad_token_id, tokenizer.eos_token_id
    origin = (encoder.provenance.model, encoder.provenance.revision)
    settings = Settings(device=str(encoder.device))
    return Captioner(module, tokenizer, encoder.image_processor, origin=origin, settings=settings, prompt=prompt)


def network(tower: Any, new: NewDecoder, *, vocabulary: int, places: int, marks: Mapping[str, int]) -> Any:
    """A copy of an image tower under a new decoder, where torch's default device puts it.

    Args:
        tower: of CLIP or SigLIP.
        new: the decoder's shape.
        vocabulary: tokens.
        places: that the decoder has for them.
        marks: ids of tokens, as `GPT2Config` names them.
    """
    import transformers

    config = transformers.GPT2Config(
        vocab_size=vocabulary, n_positions=places, n_embd=new.width, n_layer=new.depth,
        n_head=new.width // new.head_width, add_cross_attention=True, is_decoder=True, resid_pdrop=new.dropout,
        embd_pdrop=new.dropout, attn_pdrop=new.dropout, **marks,
    )  # fmt: skip
    own = copy.deepcopy(tower)
    if hasattr(own, "head"):  # of SigLIP: it pools, which nothing here asks for
        own.use_head = own.config.vision_use_head = False
        del own.head
    return transformers.VisionEncoderDecoderModel(encoder=own, decoder=transformers.GPT2LMHeadModel(config))


def _tokenizer(vocabulary: int, texts: Iterable[str]) -> Any:
    """Byte-pair encoding of words with the space before them, so that ids become the same text again."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token=_MARKS["unk_token"]))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(_MARKS.values()),
        initial_alphabet=list(_LETTERS + _LETTERS.upper()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=["input_ids"], **_MARKS)
