"""The shape of a model, from its configuration alone: no weights are read, none are made.

The network is built on torch's `meta` device, where a parameter has a shape and no memory, so that the parameters that
a run trains are counted by the very code that chooses them.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from mirante.encoders import _locate
from mirante.errors import MissingLibrary, UnknownName, UsageError
from mirante.rerankers._guiding import Guiding, Sizes
from mirante.training import Parameters, TrainConfig
from mirante.training.config import Model, Part, Trained

_SECONDS = 5
"""How long the hub is waited for."""


@dataclass(frozen=True)
class Tower:
    """One side of a model, as far as arithmetic and memory depend on it.

    Args:
        tokens: of one picture or text.
        width: of the residual stream.
        depth: number of blocks.
        inner: width of the hidden layer of each block.
        heads: of attention.
        trained: how many blocks, from the top, pass a gradient on.
        products: multiply-adds per item outside the blocks.
        quick: whether blocks use CLIP's quick GELU, which keeps one tensor more.
        beside: numbers more that each block keeps of one item for its backward pass, such as those of cross-attention.
    """

    tokens: int
    width: int
    depth: int
    inner: int
    heads: int
    trained: int
    products: float = 0.0
    quick: bool = False
    beside: float = 0.0


@dataclass(frozen=True)
class Shape:
    """A model.

    Args:
        kind: transformers' `model_type`.
        image: the image tower.
        text: the text tower.
        dim: width of the shared space.
        pixels: height and width of a picture.
        parameters: trained ones and all.
        matrices: shapes of the trained matrices that Muon steps, each with how many there are.
        learns: whether `mirante train` can train it.
        vocabulary: tokens that a captioner chooses each word from, 0 of a model that writes nothing.
    """

    kind: str
    image: Tower
    text: Tower
    dim: int
    pixels: int
    parameters: Parameters
    matrices: Mapping[tuple[int, int], int]
    learns: bool = True
    vocabulary: int = 0


def shape(config: TrainConfig) -> Shape:
    """The shape of the model that `config` trains, with what it trains of it.

    Raises:
        UsageError: the model is neither here nor known nor on a hub that can be reached; a part cannot be trained.
    """
    settings = configuration(config.model)
    module = network(settings)
    parameters = _count(module, settings, config.trained)
    trained = {side: getattr(config.trained, side) for side in ("image", "text")}
    if settings.model_type == "blip-2":
        found = _blip2(settings, parameters)
        return _with_guide(found, config.elip.guide, texts=64) if config.elip else found
    vision, text = settings.vision_config, settings.text_config
    clip = settings.model_type == "clip"
    image, words = image_tower(vision, clip=clip), _text(text)
    dim = int(settings.projection_dim if clip else text.projection_size)
    image = replace(image, products=image.products + (image.width * dim if clip else 0))
    words = replace(words, products=float(words.width * dim))
    if config.elip:
        found = Shape(settings.model_type, image, words, dim, int(vision.image_size), parameters, {})
        return _with_guide(found, config.elip.guide, texts=words.tokens)
    return Shape(
        settings.model_type,
        replace(image, trained=_blocks(trained["image"], image.depth)),
        replace(words, trained=_blocks(trained["text"], words.depth)),
        dim,
        int(vision.image_size),
        parameters,
        matrices(module),
    )


def configuration(model: Model) -> Any:
    """The transformers configuration of where training starts.

    Raises:
        UsageError: it is neither here nor known nor to be had from the hub.
        MissingLibrary: transformers is not installed.
    """
    if (model.start is None) == (model.new is None):
        raise UsageError('[model] needs exactly one of start = "…" and [model.new]: give one of them.')
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise MissingLibrary("transformers", "torch", "An estimate") from error
    if model.new is not None:
        from mirante.training.start import architecture

        return architecture(model.new, model.new.vocabulary)
    address = str(model.start)
    folder = Path(address) if _locate.is_checkpoint(address) else _locate.embedded().get(address)
    if folder is not None:
        from mirante.encoders._checkpoint import quiet

        with quiet():
            return transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    name = address.partition("@")[0]
    plain = known().get(name) or _from_hub(address, model.revision)
    return _made(plain)


@cache
def known() -> Mapping[str, Mapping[str, Any]]:
    """Hub id → its row of `models.toml`."""
    text = files(__package__).joinpath("models.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return {name: row for first, row in rows.items() for name in (first, *row.get("like", ()))}


def network(settings: Any) -> Any:
    """The module of that configuration, without memory."""
    import torch
    import transformers

    kinds = {
        "clip": transformers.CLIPModel,
        "siglip": transformers.SiglipModel,
        "blip-2": transformers.Blip2ForImageTextRetrieval,
    }
    if settings.model_type not in kinds:
        raise UsageError(
            f"A model of type {settings.model_type!r} has no estimate yet: use one of {', '.join(sorted(kinds))}."
        )
    with torch.device("meta"):
        return kinds[settings.model_type](settings)


def _made(row: Mapping[str, Any]) -> Any:
    """A row of the table, or a `config.json`, as transformers' configuration."""
    import transformers

    from mirante.encoders._checkpoint import quiet

    if "model_type" in row:
        plain = {key: value for key, value in row.items() if key != "model_type"}
        with quiet():
            return transformers.AutoConfig.for_model(row["model_type"], **plain)
    parts = {f"{part}_config": dict(row[part]) for part in ("text", "vision", "qformer") if part in row}
    rest = {key: value for key, value in row.items() if key not in ("type", "like", "text", "vision", "qformer")}
    with quiet():
        return transformers.AutoConfig.for_model(row["type"], **parts, **rest)


def _from_hub(address: str, revision: str | None) -> Mapping[str, Any]:
    """The `config.json` of a repository; its weights stay where they are."""
    named = _locate.HUB_ID.fullmatch(address)
    if not named:
        raise UnknownName("model", address, (*_locate.embedded(), *known()))
    try:
        import huggingface_hub as hub

        found = hub.hf_hub_download(
            named["id"], _locate.CONFIG, revision=named["revision"] or revision, etag_timeout=_SECONDS
        )
        plain: dict[str, Any] = json.loads(Path(found).read_text(encoding="utf-8"))
    except (ImportError, OSError, ValueError) as error:
        raise UsageError(
            f"The shape of {address!r} is not known, and the hub did not give its {_locate.CONFIG} "
            f"({type(error).__name__}): check the name and the network, or use one of {', '.join(known())}."
        ) from error
    return plain


def _count(module: Any, settings: Any, trained: Trained) -> Parameters:
    """Trained parameters and all, by the code of training; geometric magnitudes are counted, not made."""
    from mirante.training import parts, towers

    if settings.model_type == "blip-2":
        whole = sum(value.numel() for value in module.parameters())
        return Parameters(whole, whole)
    lora = replace(trained.lora, merge=True) if trained.lora else None
    parts.choose(SimpleNamespace(module=module), replace(trained, lora=lora, geometric=False))  # type: ignore[arg-type]
    learns, whole = parts.counts(module)
    if trained.geometric:
        sides = tuple(zip(towers.of(module), (trained.image, trained.text), strict=True))
        more = sum(
            layer.out_features
            for name, layer in module.named_modules()
            if name.endswith(("mlp.fc1", "mlp.fc2")) and any(tower.holds(name, part) for tower, part in sides)
        )
        return Parameters(learns + more, whole + more)
    return Parameters(learns, whole)


def _with_guide(base: Shape, guiding: Guiding, *, texts: int) -> Shape:
    """A frozen model of that shape, whose texts have so many tokens at most, with a guide that is trained."""
    guide = _guide(guiding, Sizes(base.dim, base.text.width, base.image.width, texts))
    return replace(
        base,
        image=replace(base.image, trained=base.image.depth - guiding.entry),
        text=replace(base.text, trained=0),
        parameters=Parameters(guide, base.parameters.all + guide),
        learns=True,
    )


def _guide(guiding: Guiding, of: Sizes) -> int:
    """Parameters of a guide."""
    import torch

    from mirante.rerankers._guided import make

    with torch.device("meta"):
        return sum(value.numel() for value in make(guiding, of).parameters())


def matrices(module: Any) -> Mapping[tuple[int, int], int]:
    """Shapes of the trained matrices that Muon steps, each with how many there are."""
    from mirante.training.optimisers import is_matrix

    found: dict[tuple[int, int], int] = {}
    for name, value in module.named_parameters():
        if value.requires_grad and is_matrix(name, value) and "lora_" not in name:
            key = (int(value.shape[0]), int(value.shape[1]))
            found[key] = found.get(key, 0) + 1
    return found


def image_tower(vision: Any, *, clip: bool) -> Tower:
    """Of a vision configuration of transformers: CLIP's with a token of its own, or SigLIP's with a head that pools."""
    patches = (vision.image_size // vision.patch_size) ** 2
    width, inner = vision.hidden_size, vision.intermediate_size
    stem = patches * 3 * vision.patch_size**2 * width
    head = 0 if clip else 2 * patches * width * width + 2 * width * width + 2 * width * inner
    quick = vision.hidden_act == "quick_gelu"
    tokens = patches + 1 if clip else patches
    heads, depth = vision.num_attention_heads, vision.num_hidden_layers
    return Tower(tokens, width, depth, inner, heads, depth, float(stem + head), quick)


def _text(text: Any) -> Tower:
    heads, depth = text.num_attention_heads, text.num_hidden_layers
    quick = text.hidden_act == "quick_gelu"
    return Tower(
        text.max_position_embeddings, text.hidden_size, depth, text.intermediate_size, heads, depth, quick=quick
    )


def _blip2(settings: Any, parameters: Parameters) -> Shape:
    """BLIP-2's image-text retrieval: ViT, then the Q-Former's queries; texts pass the Q-Former alone."""
    vision, former = settings.vision_config, settings.qformer_config
    image = image_tower(vision, clip=True)
    layers, width = former.num_hidden_layers, former.hidden_size
    queries, seen = settings.num_query_tokens, former.encoder_hidden_size
    own = layers * queries * (4 * width * width + 2 * width * former.intermediate_size)
    crossing = layers / former.cross_attention_frequency
    crossed = crossing * (2 * image.tokens * seen * width + 2 * queries * width * width)
    heads = former.num_attention_heads
    text = Tower(32, width, layers, former.intermediate_size, heads, layers, float(width * 256))
    image = replace(image, products=image.products + own + crossed)
    return Shape(
        "blip-2",
        image,
        text,
        int(settings.image_text_hidden_size),
        int(vision.image_size),
        parameters,
        {},
        learns=False,
    )


def _blocks(part: Part | Literal["all"], depth: int) -> int:
    """How many blocks of a tower keep activations for the backward pass."""
    return depth if part == "all" else part if isinstance(part, int) else 0
