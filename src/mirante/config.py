"""Configuration is data: a TOML file becomes one frozen dataclass, or one clear error.

Unknown keys are refused with the nearest valid one; values are checked against the annotations; nothing is
changed after reading.
"""

import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from mirante.errors import UnknownName, UsageError

T = TypeVar("T")


def read(path: Path, kind: type[T]) -> T:
    """Read `path` (TOML) into the frozen dataclass `kind`.

    Raises:
        UsageError: the file is missing, is not TOML, lacks a required key or holds a value of the wrong type.
        UnknownName: a key is not a field of its section.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"Cannot read the configuration {str(path)!r}: {error.strerror}. Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(path)!r} is not valid TOML: {error}. Mend that line.") from error
    return build(kind, data, str(path))


def build(kind: type[T], data: Mapping[str, Any], where: str) -> T:
    """Make the frozen dataclass `kind` from plain data; `where` names the source in errors."""
    hints = get_type_hints(kind)
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    for key in data:
        if key not in known:
            raise UnknownName(f"key in {where}", key, known)
    required = [n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    for key in required:
        if key not in data:
            raise UsageError(f"{where} lacks the key {key!r}: add it.")
    return kind(**{key: _convert(hints[key], value, f"{where}: {key}") for key, value in data.items()})


def plain(value: Any) -> dict[str, Any]:
    """The plain data of a configuration, ready for JSON or TOML."""
    return asdict(value)


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(value, Mapping):
        return build(hint, value, where)  # type: ignore[arg-type]
    if origin in (Union, types.UnionType):
        return _first(arguments, value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(arguments[0], one, f"{where}[{at}]") for at, one in enumerate(value))
    if origin is Literal:
        if value not in arguments:
            raise UnknownName(where, str(value), [str(one) for one in arguments])
        return value
    if hint is Any or ((origin or hint) in (dict, Mapping) and isinstance(value, dict)):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise UsageError(f"{where} must be {getattr(hint, '__name__', hint)}, not {value!r}.")


def _first(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    """The first of the choices that takes the value; else the error of the first that could be meant."""
    if value is None and type(None) in choices:
        return None
    errors: list[UsageError] = []
    for choice in choices:
        if choice is type(None):
            continue
        try:
            return _convert(choice, value, where)
        except UsageError as error:
            errors.append(error)
    raise errors[0]
