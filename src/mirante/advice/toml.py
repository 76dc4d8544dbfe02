"""A configuration as TOML: what `mirante train` reads, with what differs from the defaults and nothing else."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any


def to_toml(config: Any, comment: str = "") -> str:
    """The TOML of a frozen dataclass, values equal to their defaults left out.

    Args:
        config: as `mirante.config.read` makes it.
        comment: put above it, line by line.
    """
    head = [f"# {line}".rstrip() for line in comment.splitlines()]
    return "\n".join([*head, *_table(config, "")]).strip() + "\n"


def _table(one: Any, name: str) -> Iterator[str]:
    """Plain keys first, as TOML wants it, then the sections."""
    given = {field.name: getattr(one, field.name) for field in fields(one) if _differs(field, one)}
    nested = {key: value for key, value in given.items() if _is_section(value)}
    for key, value in given.items():
        if key not in nested:
            yield f"{key} = {_value(value)}"
    for key, value in nested.items():
        path = f"{name}.{key}" if name else key
        many = isinstance(value, tuple)
        for part in value if many else (value,):
            lines = list(_table(part, path))
            if many or not lines or lines[0]:  # else only sections of its own follow, which name it
                yield from ("", f"[[{path}]]" if many else f"[{path}]")
            yield from lines


def _differs(field: Any, one: Any) -> bool:
    value = getattr(one, field.name)
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return value is not None and (default is MISSING or value != default)


def _is_section(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(is_dataclass(one) for one in value)
    return is_dataclass(value)


def _value(value: Any) -> str:
    """A TOML value; JSON's strings, numbers and booleans are TOML's too."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
