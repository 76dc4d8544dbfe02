"""A generator in one file: no model, it counts what the fields of the found entries hold, and cites each of them.

`how many of each style?` is answered by the field `style`; a question that names no field is answered by all.
"""

import re
from collections.abc import Iterator

from mirante.errors import UsageError
from mirante.generation import Asked
from mirante.quoting import unmarked

HEADS = {"en": "Counted among the entries found, {}:", "pt": "Contado entre as entradas encontradas, {}:"}
NONE = {"en": "No entry has a field to count.", "pt": "Nenhuma entrada tem um campo para contar."}


class Tally:
    """See `mirante.generation.Generator`: one line for each field, its most frequent value first."""

    name = "tally"

    def generate(self, asked: Asked) -> Iterator[str]:
        fields = list(dict.fromkeys(field for item in asked.items for field in item.metadata))
        words = set(re.findall(r"\w+", asked.question.casefold()))
        named = [field for field in fields if field.casefold() in words]
        yield HEADS[asked.language].format(len(asked.items)) if fields else NONE[asked.language]
        for field in named or fields:
            cited: dict[str, list[str]] = {}
            for item in asked.items:
                if field in item.metadata:
                    cited.setdefault(unmarked(str(item.metadata[field])), []).append(f"[{item.label}]")
            most = sorted(cited.items(), key=lambda one: -len(one[1]))
            counts = "; ".join(f"{value}, {len(labels)} {' '.join(labels)}" for value, labels in most)
            yield f"\n- {unmarked(field)}: {counts}"


def open(address: str) -> Tally:
    if address:
        raise UsageError(f"'tally' needs no address, not {address!r}: write tally.")
    return Tally()
