"""Models of sentence-transformers that see: a CLIP with more layers on top, routed towers, or a text tower of its own.

Source: Reimers and Gurevych 2019 (arXiv 1908.10084); Reimers and Gurevych 2020 (multilingual by distillation,
arXiv 2004.09813). A folder is known by its `modules.json`; one that holds a transformer, its pooling and nothing more
is opened by the family of its `config.json`. A model that only reads, such as clip-ViT-B-32-multilingual-v1, is opened
with the one whose space it learnt, `MODEL#images=OTHER`. The library's own pipeline makes the rows: prompts, pooling
and length are the model's; pictures are resized with Pillow. Pickled weights and code from a repository are never
opened.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from PIL.Image import Image

from mirante import digests, encoders
from mirante.encoders import Settings, _address, _checkpoint, _machine, _tiny
from mirante.encoders._batched import Batched
from mirante.encoders._dual import IMAGE_SETTINGS, PROBE
from mirante.errors import MissingLibrary, ModelError, ModelMismatch, UsageError
from mirante.types import Encoder, Provenance, Vectors

MODEL_TYPES = ("sentence-transformers",)
OPTIONS = ("images",)
_OWN = "sentence_transformers."
_IDENTITY = ("config.json", "modules.json")
"""What identifies a pipeline beside its weights; what comes before the network is in the fingerprint."""


class SentenceEncoder(Batched):
    """A pipeline of sentence-transformers, read and seen by itself or by `eyes`.

    Args:
        module: a `SentenceTransformer`.
        eyes: encodes the pictures in its stead, into the space that it learnt; None where it sees itself.
        origin: model address and the commit or hash of its files.
        settings: device, precision, batch.
    """

    learns = ()

    def __init__(self, module: Any, eyes: Encoder | None, *, origin: tuple[str, str], settings: Settings) -> None:
        self.device = _machine.device(settings.device)
        self.module, self.eyes = module.to(self.device), eyes
        self.batch = settings.batch or _machine.ON_PROCESSOR
        with torch.inference_mode():
            self._dim = int(self._features([{"text": PROBE[0]}]).shape[-1])
        self._provenance = Provenance(*origin, preprocessing=self._fingerprint(settings.precision))

    @property
    def dim(self) -> int:
        """Width d of the space."""
        return self._dim

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        """RGB pictures → (n, d) float32 rows of length 1.

        Raises:
            ModelError: not even one fits the device's memory.
        """
        if self.eyes is not None:
            return self.eyes.encode_images(images)
        return self.rows(images, lambda part: self._features([{"image": image} for image in part]))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts → (n, d) float32 rows of length 1; one that looks like an address or a path is a text all the same.

        Raises:
            ModelError: not even one fits the device's memory.
        """
        return self.rows(texts, lambda part: self._features([{"text": text} for text in part]))

    def save(self, folder: Path | str) -> Path:
        """Write the pipeline into a new folder, in safetensors; what sees in its stead is not written with it.

        Raises:
            UsageError: the folder is not empty.
            StoreError: the disk is full or refuses.
        """
        target = Path(folder)
        if target.is_dir() and any(target.iterdir()):
            raise UsageError(f"{str(target)!r} is not empty: give a new folder for the model.")
        with _checkpoint.replaced(target) as new, _checkpoint.quiet():
            self.module.save_pretrained(str(new), create_model_card=False, safe_serialization=True)
        return target

    def _features(self, part: Sequence[dict[str, Any]]) -> torch.Tensor:
        """Items, each named by what it is (the library would fetch a text that looks like an address) → (B, d)."""
        rows: torch.Tensor = self.module.encode(
            list(part), batch_size=len(part), show_progress_bar=False, convert_to_tensor=True
        )
        return rows

    def _fingerprint(self, precision: str) -> str:
        tokenizer = self.module.tokenizer
        pictures = getattr(getattr(self.module[0], "processor", None), "image_processor", None)
        content = {
            "image": {key: pictures.to_dict().get(key) for key in IMAGE_SETTINGS} if pictures else None,
            "eyes": self.eyes.provenance.preprocessing if self.eyes else None,
            "vocabulary": tokenizer.get_vocab(),
            "probe": tokenizer(list(PROBE), truncation=True, max_length=self.module.max_seq_length)["input_ids"],
            "length": self.module.max_seq_length,
            "prompts": [self.module.prompts, self.module.default_prompt_name],
            "precision": precision,
        }
        return digests.of(content)


def open(address: str, folder: Path, settings: Settings) -> SentenceEncoder:
    """Open the pipeline in `folder`.

    Raises:
        MissingLibrary: sentence-transformers is not installed.
        ModelError: pickled or damaged weights, code of its own, or no tower that sees.
        ModelMismatch: what should see for it gives rows of another width.
    """
    library = _library(f"The model {address!r}")
    _refuse_foreign(address, folder)
    kind = _checkpoint.DTYPES[settings.precision]
    try:
        with _checkpoint.quiet():
            module = library.SentenceTransformer(
                str(folder),
                device="cpu",
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": kind},
                processor_kwargs={"backend": "pil"},
            ).to(kind)
    except _checkpoint.DAMAGE as error:
        raise _checkpoint.unreadable("The pipeline", address, error) from error
    eyes = _eyes(address, module, settings)
    revision = settings.revision or _checkpoint.hashed(
        sorted(path for path in folder.rglob("*") if path.suffix == ".safetensors" or path.name in _IDENTITY)
    )
    origin = (_address.join(address, settings.options), revision)
    if eyes is not None:
        origin = (origin[0], f"{revision}+{eyes.provenance.revision}")
    encoder = SentenceEncoder(module.eval(), eyes, origin=origin, settings=settings)
    if eyes is not None and eyes.dim != encoder.dim:
        raise ModelMismatch(f"{address} ({encoder.dim} values)", f"{eyes.provenance.model} ({eyes.dim} values)")
    return encoder


def _eyes(address: str, module: Any, settings: Settings) -> Encoder | None:
    """The model that sees in the place of one that only reads."""
    named = settings.options.get("images")
    if named is None and not module.supports("image"):
        raise ModelError(
            f"{address!r} reads texts and sees no pictures: name the model whose space it learnt, "
            f"as in {address + '#images=sentence-transformers/clip-ViT-B-32'!r}."
        )
    return encoders.load(named, replace(settings, options={}, revision=None)) if named else None


def _refuse_foreign(address: str, folder: Path) -> None:
    """Let pass a pipeline of the library's own modules, all in safetensors.

    Raises:
        ModelError: of other code, or pickled.
    """
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        parts = [(str(one["type"]), folder / str(one.get("path") or "")) for one in modules]
    except _checkpoint.DAMAGE as error:
        raise _checkpoint.unreadable("The modules.json", address, error) from error
    for kind, home in parts:
        if not kind.startswith(_OWN):
            raise ModelError(
                f"{address!r} needs code of its own ({kind}), which is never run: use a model made of the library's "
                "modules, or one that transformers knows."
            )
        pickled = sorted(path.name for path in home.glob("*.bin")) if home.is_dir() else []
        if pickled and not any(home.glob("*.safetensors")):
            raise ModelError(
                f"{address!r} has only pickled weights ({pickled[0]} of {kind.rpartition('.')[2]}), which are never "
                "opened: use a copy or revision in safetensors (save_pretrained writes one)."
            )


def _library(purpose: str) -> Any:
    try:
        import sentence_transformers
    except ModuleNotFoundError as error:
        raise MissingLibrary(error.name or "sentence_transformers", "sentence", purpose) from error
    return sentence_transformers


def tiny(folder: Path) -> str:
    """Write a random CLIP with a dense layer on top (32×32 pixels, 16 wide) into `folder` and return its address.

    Raises:
        MissingLibrary: sentence-transformers is not installed.
    """
    library = _library("A tiny model of sentence-transformers")
    from sentence_transformers.base.modules import Dense, Transformer

    with torch.random.fork_rng(devices=[]), _checkpoint.quiet():
        torch.manual_seed(7)
        tower = Transformer(_tiny.clip(folder / "clip"), max_seq_length=_tiny.LENGTH)
        dense = Dense(24, 16, activation_function=None)
        whole = library.SentenceTransformer(modules=[tower, dense], device="cpu")
        whole.save_pretrained(str(folder / "whole"), create_model_card=False)
    return str(folder / "whole")


def tiny_reader(folder: Path) -> str:
    """Write a random text tower with pooling and a dense layer beside the CLIP that sees for it; return its address.

    Raises:
        MissingLibrary: sentence-transformers is not installed.
    """
    library = _library("A tiny model of sentence-transformers")
    from sentence_transformers.base.modules import Dense, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling

    with torch.random.fork_rng(devices=[]), _checkpoint.quiet():
        torch.manual_seed(7)
        eyes = _tiny.clip(folder / "eyes")
        tokenizer = transformers.AutoTokenizer.from_pretrained(_tiny.blip(folder / "blip"))
        config = transformers.BertConfig(vocab_size=len(tokenizer), **_tiny.TOWER, initializer_range=0.3)
        transformers.BertModel(config).save_pretrained(folder / "bert")
        tokenizer.save_pretrained(folder / "bert")
        parts = [Transformer(str(folder / "bert"), max_seq_length=_tiny.LENGTH), Pooling(32, "mean")]
        whole = library.SentenceTransformer(modules=[*parts, Dense(32, 24, activation_function=None)], device="cpu")
        whole.save_pretrained(str(folder / "reader"), create_model_card=False)
    return _address.join(str(folder / "reader"), {"images": eyes})
