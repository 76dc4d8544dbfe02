"""What a service serves, to whom, within which limits: one frozen configuration, read from TOML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from mirante import config
from mirante.errors import UsageError

Scope: TypeAlias = Literal["search", "write", "admin", "metrics"]

SCOPES: tuple[Scope, ...] = get_args(Scope)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Key:
    """Who may do what. The key itself stands in the environment only.

    Args:
        variable: of the environment, that holds the key.
        scopes: what it opens.
    """

    variable: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True)
class Limits:
    """How much is taken on; all are at least 1, but `wait_ms`.

    Args:
        upload_bytes: of the body of a request.
        pixels: of an uploaded picture, as its header says.
        pictures: uploaded pictures that are in memory, decoded, at once; others wait.
        requests: under way at once; one more is answered 429.
        queue: queries, texts and pictures that wait for one encoder; one more is answered 429.
        seconds: that a request may wait for its body, for room and for the encoder; then it is answered 504.
        batch: queries, texts and pictures that one call of the encoder takes.
        wait_ms: that a query waits for others to share its call.
        results: that a search may reach, pages before it included.
        labels: of one classification.
        answers: that are written at once; one more is answered 429.
    """

    upload_bytes: int = 20_000_000
    pixels: int = 24_000_000
    pictures: int = 16
    requests: int = 128
    queue: int = 256
    seconds: float = 30.0
    batch: int = 32
    wait_ms: float = 3.0
    results: int = 1000
    labels: int = 200
    answers: int = 4

    def __post_init__(self) -> None:
        for one in fields(self):
            least, value = 0 if one.name == "wait_ms" else 1, getattr(self, one.name)
            if not value >= least:
                raise UsageError(f"The limit {one.name!r} must be at least {least}, not {value}: mend it.")


@dataclass(frozen=True)
class ServiceConfig:
    """One service.

    Args:
        indexes: name → folder of a gallery; the first is the one that is meant where a request names none.
        models: name of an index → address of its model, where it lies elsewhere now.
        keys: without any, searching is open to this machine and writing is closed.
        limits: how much is taken on.
        cors: origins of web pages that may call; none unless told.
        rerank: re-rankers `KIND[:ADDRESS]` that a search may ask for, by name → address.
        generator: `KIND[:ADDRESS]` of what writes answers.
        template: TOML file of the prompt, empty for the packaged one.
        roots: folders below which a gallery must lie that is swapped in; none: beside the one that it replaces.
        host: address to listen at.
        port: to listen at; 0 takes any free one.
        log_queries: whether the log may hold what was asked.
    """

    indexes: Mapping[str, Any]
    models: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[Key, ...] = ()
    limits: Limits = field(default_factory=Limits)
    cors: tuple[str, ...] = ()
    rerank: Mapping[str, Any] = field(default_factory=dict)
    generator: str = "extractive"
    template: str = ""
    roots: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    log_queries: bool = False

    def __post_init__(self) -> None:
        for section, named in (("indexes", self.indexes), ("models", self.models), ("rerank", self.rerank)):
            for name, value in named.items():
                if not NAME.fullmatch(name) or not isinstance(value, str):
                    raise UsageError(
                        f"{section}: {name!r} = {value!r} is no name with a text: names are letters, digits, '.', '_' "
                        "and '-'; give it a text in quotes."
                    )
        if not self.indexes:
            raise UsageError("There is no index to serve: name a folder that `mirante index` made.")
        if self.host not in LOOPBACK and not any("search" in key.scopes for key in self.keys):
            raise UsageError(
                f"At {self.host!r} others than this machine could search without a key: give `keys` in the "
                "configuration, one of them with the scope 'search', or listen at 127.0.0.1."
            )


def read_config(path: Path) -> ServiceConfig:
    """The configuration in a TOML file.

    Raises:
        UsageError: the file is missing, no TOML, or holds a value that cannot be.
        UnknownName: a key that no section has.
    """
    return config.read(path, ServiceConfig)
