"""Training objectives, one file each.

Each module has a class `Loss`, a `torch.nn.Module` whose `forward(images (B, d), texts (T, d), positives (T, B))`
gives a scalar, the mean over texts; rows are of length 1. `positives` is true where a text describes an image, several
true images per text and several true texts per image allowed; it is a bool tensor, or gives one when it is sliced
(`positives[a:b]` are dense rows, `positives[:]` all of them, `positives.T` the transpose), so that a loss that works
block by block never holds it whole.

A loss that needs other views of the batch names them as keyword-only parameters of `forward`, out of `VIEWS`.
`Loss()` needs no argument; keyword arguments with defaults are its options in a configuration. A learned `logit_scale`
(the logarithm of the factor of the cosines) and `logit_bias` are the model's own: they start where it has them and are
stored with it. Whatever else a loss keeps between steps is a buffer, so that a killed run goes on exactly.
"""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mirante import registry
from mirante.errors import MissingLibrary, UnknownName, UsageError

if TYPE_CHECKING:
    import torch

PACKAGE = "mirante.losses"
VIEWS = ("other_images", "other_texts", "teacher_images", "teacher_texts")
"""(B, d) or (T, d) unit rows: of the same pictures and texts, changed a little; and of both by the starting model."""


def create(name: str, options: Mapping[str, Any] | None = None) -> "torch.nn.Module":
    """A new loss by its name.

    Raises:
        UnknownName: no such loss, or it has no such option.
        UsageError: an option's value is refused.
        MissingLibrary: torch is not installed.
    """
    try:
        kind = registry.load(PACKAGE, name).Loss
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingLibrary("torch", "torch", "Training") from error
    known = [one for one in inspect.signature(kind).parameters if one != "self"]
    for option in options or {}:
        if option not in known:
            raise UnknownName(f"option of the loss {name}", option, known)
    try:
        loss: torch.nn.Module = kind(**(options or {}))
    except (TypeError, ValueError) as error:
        raise UsageError(f"The loss {name!r} refuses the options {dict(options or {})}: {error}.") from error
    return loss


def needs(loss: "torch.nn.Module") -> tuple[str, ...]:
    """Names of the views that `loss.forward` asks for beside images, texts and positives."""
    parameters = inspect.signature(loss.forward).parameters
    return tuple(view for view in VIEWS if view in parameters)
