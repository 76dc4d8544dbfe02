"""Image-text retrieval, whole: load, embed, index, search, evaluate, train and show, in Portuguese and English.

The names below are the public interface; each is imported from its layer when it is first used, so that
`import mirante` loads no model library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mirante.client import Client
    from mirante.datasets import open_dataset
    from mirante.embeddings import embed
    from mirante.encoders import load as load_encoder
    from mirante.errors import MiranteError
    from mirante.evaluation import evaluate
    from mirante.report import write_report
    from mirante.search import Gallery
    from mirante.training import train
    from mirante.types import Embeddings, Pairs, Qrels, Query, Result, Run

__version__ = "0.1.0"

_HOMES = {
    "Client": "mirante.client",
    "Embeddings": "mirante.types",
    "Gallery": "mirante.search",
    "MiranteError": "mirante.errors",
    "Pairs": "mirante.types",
    "Qrels": "mirante.types",
    "Query": "mirante.types",
    "Result": "mirante.types",
    "Run": "mirante.types",
    "embed": "mirante.embeddings",
    "evaluate": "mirante.evaluation",
    "load_encoder": "mirante.encoders:load",
    "open_dataset": "mirante.datasets",
    "train": "mirante.training",
    "write_report": "mirante.report",
}

__all__ = [
    "Client",
    "Embeddings",
    "Gallery",
    "MiranteError",
    "Pairs",
    "Qrels",
    "Query",
    "Result",
    "Run",
    "embed",
    "evaluate",
    "load_encoder",
    "open_dataset",
    "train",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mirante' has no attribute {name!r}: its names are {', '.join(__all__)}.")
    module, _, attribute = _HOMES[name].partition(":")
    value = getattr(import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
