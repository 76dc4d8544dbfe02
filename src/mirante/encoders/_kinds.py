"""Models of other kinds, told from their files: what each one is, and the verb or option that takes it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mirante.errors import ModelError

CAPTION = "captions are written by `mirante caption run`"
ASK = "questions are answered by `mirante ask --generator transformers:MODEL`"
IMAGINE = "pictures are made by `mirante imagine`"
GUIDE = "answers are put into a new order by `mirante evaluate --rerank elip:FOLDER`"
ENCODERS = "use a model that compares the two, such as a CLIP, SigLIP or BLIP for matching"

_FILES = {
    "model_index.json": ("is a pipeline that makes pictures", IMAGINE),
    "elip.json": ("is a guide over the model that it was trained on", GUIDE),
}
_HEADS = {
    "ForConditionalGeneration": ("writes captions", CAPTION),
    "ForQuestionAnswering": ("answers questions about pictures", ASK),
    "ForImageClassification": ("knows classes of pictures and no texts", ENCODERS),
    "ForSequenceClassification": ("knows classes of texts and no pictures", ENCODERS),
}
_WRITERS = ("git", "instructblip", "kosmos-2", "pix2struct", "vision-encoder-decoder")
_PICTURES = ("beit", "convnext", "convnextv2", "deit", "dinov2", "dinov3_vit", "resnet", "swin", "swinv2", "vit")
_TEXTS = (
    "bert",
    "distilbert",
    "gemma",
    "gpt2",
    "llama",
    "mistral",
    "mpnet",
    "qwen2",
    "qwen3",
    "roberta",
    "t5",
    "xlm-roberta",
)
_HALVES = ("clip_text_model", "clip_vision_model", "siglip_text_model", "siglip_vision_model")


def refuse_folder(address: str, folder: Path) -> None:
    """Let pass a folder, unless a file in it says that it is no checkpoint of an encoder.

    Raises:
        ModelError: what it is, and what takes it.
    """
    for name, (what, where) in _FILES.items():
        if (folder / name).is_file():
            raise ModelError(f"{address!r} {what}, no encoder: {where}.")
    config = folder / "config.json"
    if config.is_file() and "_class_name" in (plain := _plain(config)):
        raise ModelError(f"{address!r} is a part of a generator ({plain['_class_name']}), no encoder: {IMAGINE}.")


def refuse_head(address: str, folder: Path, heads: Sequence[str]) -> None:
    """Let pass a checkpoint, unless its configuration names a head other than `heads`, which the family opens.

    Raises:
        ModelError: what it is, and what takes it.
    """
    for named in _plain(folder / "config.json").get("architectures") or ():
        for head, (what, where) in _HEADS.items():
            if named.endswith(head) and named not in heads:
                raise ModelError(f"{address!r} is a {named}, which {what}: {where}. As an encoder {ENCODERS}.")


def remedy(kind: str) -> str | None:
    """What to say of a checkpoint of type `kind` that no family opens; None where its kind is not known."""
    if kind in _WRITERS:
        return f"it writes captions: {CAPTION}. As an encoder {ENCODERS}"
    if kind in _PICTURES:
        return f"it sees pictures and reads no texts: {ENCODERS}"
    if kind in _TEXTS:
        return f"it reads texts and sees no pictures: {ENCODERS}"
    if kind in _HALVES:
        return f"it is one half of a model: {ENCODERS}, whole"
    return f"it answers questions about pictures: {ASK}; {CAPTION}" if _chats(kind) else None


def _chats(kind: str) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as FAMILIES

    return kind in FAMILIES


def _plain(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
