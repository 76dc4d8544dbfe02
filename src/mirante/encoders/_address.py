"""Addresses of models with options: `MODEL#dim=256` is MODEL, of whose rows the first 256 values are kept.

What changes the rows is part of the address, so that an index or a result that names it opens the same encoder again,
and two settings of one model stand side by side in one evaluation.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from mirante.encoders import _locate
from mirante.errors import UsageError


def split(model: str) -> tuple[str, dict[str, str]]:
    """The address without its options, and the options by name; a folder that is there may have `#` in its name.

    Raises:
        UsageError: what follows `#` is no list of `name=value`, or an option is given twice.

    Example:
        >>> split("owner/name@main#dim=256&pool=mean")
        ('owner/name@main', {'dim': '256', 'pool': 'mean'})
    """
    plain, mark, written = model.rpartition("#")
    if not mark or _locate.is_checkpoint(model):
        return model, {}
    try:
        pairs = parse_qsl(written, keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise UsageError(f"{model!r} has options that cannot be read: write MODEL#name=value&name=value.") from error
    options = dict(pairs)
    if len(options) < len(pairs):
        raise UsageError(f"{model!r} gives an option twice: give each once.")
    return plain, options


def join(plain: str, options: Mapping[str, object]) -> str:
    """An address with options, in order of their names; `split` takes it apart again.

    Example:
        >>> join("toy", {"dim": 8}), join("toy", {})
        ('toy#dim=8', 'toy')
    """
    written = "&".join(f"{name}={quote(str(options[name]), safe='')}" for name in sorted(options))
    return f"{plain}#{written}" if written else plain
