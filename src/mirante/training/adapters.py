"""LoRA and DoRA: low-rank matrices beside frozen layers, put there by `peft`.

Linear layers and token embeddings can have one. Two layers cannot: the attention of SigLIP's pooling head, one module
of torch that never calls its inner layers (its MLP can), and the embeddings of positions, which are read as a table.
"""

from collections.abc import Callable, Iterable

from torch import nn

from mirante.errors import MissingLibrary, UnknownName, UsageError
from mirante.training.config import Lora


def inject(module: nn.Module, lora: Lora, wanted: Callable[[str], bool]) -> None:
    """Freeze `module` and put adapters beside its layers that are `wanted` (by name), in place.

    The first matrix of each is drawn from torch's global generator, the second is zero: nothing changes at first.

    Raises:
        UsageError: a setting is out of range.
        UnknownName: no wanted layer's name ends so.
        MissingLibrary: `peft` is not installed.
    """
    try:
        import peft
    except ModuleNotFoundError as error:
        raise MissingLibrary("peft", "train", "LoRA") from error
    _check(lora)
    able = {name: layer for name, layer in module.named_modules() if _can(name, layer) and wanted(name)}
    linear = [name for name, layer in able.items() if isinstance(layer, nn.Linear)]
    settings = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        use_dora=lora.dora,
        target_modules=_named(lora.layers, able) if lora.layers else linear,
    )
    peft.inject_adapter_in_model(settings, module)
    module.train(module.training)  # peft's dropout begins in training mode, whatever the model's


def _check(lora: Lora) -> None:
    if lora.rank < 1:
        raise UsageError(f"lora.rank must be at least 1, not {lora.rank}: 8 is usual.")
    if lora.alpha <= 0:
        raise UsageError(f"lora.alpha must be more than 0, not {lora.alpha:g}: twice the rank is usual.")
    if not 0 <= lora.dropout < 1:
        raise UsageError(f"lora.dropout must be at least 0 and less than 1, not {lora.dropout:g}.")


def _can(name: str, layer: nn.Module) -> bool:
    """Whether a layer's output is that of its own forward pass, which an adapter adds to."""
    return type(layer) is nn.Linear or (type(layer) is nn.Embedding and not name.endswith("position_embedding"))


def _named(endings: Iterable[str], able: Iterable[str]) -> list[str]:
    chosen: set[str] = set()
    for ending in endings:
        found = {name for name in able if f".{name}".endswith(f".{ending}")}
        if not found:
            raise UnknownName("layer of what is trained", ending, {name.rpartition(".")[2] for name in able})
        chosen |= found
    return sorted(chosen)
