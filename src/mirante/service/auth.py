"""Keys: who may do what. A router declares its scope once, with `guarded`; every route of it demands that scope."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from mirante.errors import ServiceError, UsageError
from mirante.service.settings import Key, Scope

SHORTEST = 16
"""Characters that a key has at least."""
OPEN: tuple[Scope, ...] = ("search", "metrics")
"""Scopes that need no key where none is configured; the service then listens on the loopback only."""

_bearer = HTTPBearer(auto_error=False, description="A key of the service, sent as `Authorization: Bearer KEY`.")


@dataclass(frozen=True)
class Holder:
    """A known key: the name of its variable, what it opens, and the hash of it."""

    name: str
    scopes: tuple[Scope, ...]
    digest: bytes


class Keys:
    """The keys of a service. Only their hashes are kept."""

    def __init__(self, holders: Iterable[Holder] = ()) -> None:
        self._holders = tuple(holders)

    @classmethod
    def read(cls, keys: Iterable[Key], environment: Mapping[str, str]) -> "Keys":
        """The keys that the variables of `environment` hold.

        Raises:
            UsageError: a variable is not set, holds a short key, or the key of another.
        """
        holders: dict[bytes, Holder] = {}
        for key in keys:
            value = environment.get(key.variable, "")
            if len(value) < SHORTEST:
                raise UsageError(
                    f"The environment variable {key.variable!r} holds {len(value)} characters, a key has at least "
                    f"{SHORTEST}: set it, for instance to what `openssl rand -hex 32` prints."
                )
            digest = sha256(value.encode()).digest()
            if digest in holders:
                raise UsageError(f"{holders[digest].name!r} and {key.variable!r} hold one key: give each its own.")
            holders[digest] = Holder(key.variable, key.scopes, digest)
        return cls(holders.values())

    def __bool__(self) -> bool:
        return bool(self._holders)

    def holder(self, given: str) -> Holder | None:
        """Whose key `given` is; every known key is compared, in constant time."""
        digest, found = sha256(given.encode()).digest(), None
        for one in self._holders:
            if hmac.compare_digest(one.digest, digest):
                found = one
        return found


@dataclass(frozen=True)
class Guard:
    """Lets a request pass that may do what `scope` says."""

    scope: Scope

    async def __call__(
        self, request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> None:
        """Let the request pass, or refuse it.

        Raises:
            ServiceError: 401 without a known key, 403 with one that does not open this.
        """
        keys: Keys = request.app.state.desk.keys
        if not keys and self.scope in OPEN:
            return
        holder = keys.holder(sent.credentials) if sent else None
        if holder is None:
            needed = f"a key with the scope {self.scope!r}"
            why = "the key is not known" if sent else "no key was sent"
            remedy = "send it as 'Authorization: Bearer KEY'" if keys else "configure one and start the service again"
            raise ServiceError(401, "no-key", f"This needs {needed}, {why}: {remedy}.")
        request.state.key = holder.name
        if self.scope not in holder.scopes:
            opens = ", ".join(holder.scopes)
            raise ServiceError(403, "wrong-scope", f"This key opens {opens}, not {self.scope!r}: use another one.")


def guarded(scope: Scope) -> Any:
    """What a router depends on whose routes demand a key with `scope`; the OpenAPI document then says so too."""
    return Security(Guard(scope), scopes=[scope])
