"""Prompts: a label is put into templates, and the mean of their rows stands for it.

Source: prompt engineering and ensembling in the space of rows (Radford et al. 2021, arXiv 2103.00020, §3.1.4). The
wording of the packaged sets is our own.
"""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from mirante.classification.labels import Label
from mirante.errors import UnknownName, UsageError
from mirante.types import Encoder, Vectors

PLACE = "{}"
"""Where a template takes the label."""


def read_templates(given: str, language: str = "en") -> tuple[str, ...]:
    """The templates of a packaged set in `language`, or of a UTF-8 text file with one a line.

    Raises:
        UnknownName: neither a set nor a file; or the set does not speak `language`.
        UsageError: a line of the file has no `{}`, or there is none.
    """
    packaged = tomllib.loads((files(__package__) / "templates.toml").read_text(encoding="utf-8"))
    if given not in packaged:
        return _from_file(Path(given), tuple(packaged))
    if language not in packaged[given]:
        raise UnknownName("language of templates", language, packaged[given])
    return tuple(packaged[given][language])


def class_rows(encoder: Encoder, labels: Sequence[Label], templates: Sequence[str]) -> Vectors:
    """One row for each label: the mean of its prompts' unit rows, brought back to length 1.

    Args:
        encoder: the model.
        labels: c labels.
        templates: each with `{}` where the label's words go.

    Returns:
        (c, d) float32 rows of length 1, in the order of the labels.

    Raises:
        UsageError: the prompts of a label cancel out.
    """
    prompts = [template.replace(PLACE, label.words) for label in labels for template in templates]
    rows = encoder.encode_texts(prompts).reshape(len(labels), len(templates), -1).mean(axis=1, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.min() > 0:
        empty = labels[int(lengths.argmin())].name
        raise UsageError(f"The prompts of the label {empty!r} cancel out: use other templates.")
    return np.asarray(rows / lengths, np.float32)


def _from_file(path: Path, sets: tuple[str, ...]) -> tuple[str, ...]:
    if not path.is_file():
        raise UnknownName("set of templates (or file)", str(path), sets)
    found = tuple(line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip())
    wrong = next((line for line in found if PLACE not in line), None)
    if not found or wrong is not None:
        raise UsageError(
            f"{str(path)!r} {'holds no template' if not found else f'has the line {wrong!r}'}: write one template a "
            f"line, each with {PLACE} where the label goes."
        )
    return found
