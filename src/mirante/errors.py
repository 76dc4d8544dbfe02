"""Every error that Mirante raises on purpose.

MiranteError
├── UsageError            the call was wrong; the command line exits with 2
│   ├── UnknownName       a name that is not among the valid ones ("did you mean")
│   └── MissingLibrary    an optional library is needed; carries the install command
├── DataError             the data cannot be read as asked
│   ├── MissingData       a published data set is not on this machine; says how to get it
│   └── UnreadableImage   one picture cannot be decoded; carries a reason code
├── ModelError            a checkpoint cannot be used
│   └── ModelMismatch     vectors of one model met another model's; a UsageError too
├── ServiceError          a service refuses, or does not answer; carries the status
├── StoreError            a folder of embeddings, an index or results is damaged or of another version
└── TrainingError         training stopped; nothing saved is lost

Each message says what is wrong, which value, and what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class MiranteError(Exception):
    """Base of every error raised on purpose; the command line shows its message without a traceback."""

    exit_code = 1


class UsageError(MiranteError):
    """The call was wrong: an option, key, column, file or address."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that is not among the valid ones.

    Args:
        kind: what was named, e.g. `"index"`.
        name: the value given.
        valid: the names that would have worked.
    """

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        self.kind, self.name, self.valid = kind, name, tuple(sorted(valid))
        near = get_close_matches(name, self.valid, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        listed = ", ".join(self.valid[:30]) or "none"
        super().__init__(f"Unknown {kind} {name!r}.{hint} Valid: {listed}.")


class MissingLibrary(UsageError):
    """An optional library is not installed.

    Args:
        library: the import name, e.g. `"faiss"`.
        extra: the extra of Mirante that brings it, e.g. `"faiss"`.
        purpose: what needs it, e.g. `"the faiss index"`.
    """

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        self.library, self.extra = library, extra
        super().__init__(f"{purpose} needs {library!r}, which is not installed. Run: pip install 'mirante[{extra}]'")


class DataError(MiranteError):
    """The data cannot be read as asked."""


class MissingData(DataError):
    """A published data set, or a part of it, is not on this machine.

    Args:
        name: its address, e.g. `"coco"`.
        folder: where it was looked for.
        missing: what is not there, as a path from that folder.
        remedy: what to download, from where, how large, under which licence.
    """

    def __init__(self, name: str, folder: str, *, missing: str, remedy: str) -> None:
        self.name, self.folder, self.missing = name, folder, missing
        super().__init__(f"{name!r} is not on this machine: there is no {missing!r} in {folder!r}. {remedy}")


class UnreadableImage(DataError):
    """One picture cannot be decoded.

    Args:
        reason: a short code such as `"truncated"` or `"too-large"`.
        detail: the decoder's own words.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"Unreadable image ({reason}): {detail}")


class ModelError(MiranteError):
    """A checkpoint cannot be used as asked."""


class ModelMismatch(UsageError, ModelError):
    """Vectors of one model met another model's.

    Args:
        expected: model (and revision or fingerprint) that made the stored vectors.
        given: model that was offered.
    """

    def __init__(self, expected: str, given: str) -> None:
        self.expected, self.given = expected, given
        super().__init__(
            f"The stored vectors were made by {expected!r}, the query by {given!r}: "
            f"they cannot be compared. Use --model {expected} or embed the data again."
        )


class StoreError(MiranteError):
    """A folder of embeddings, an index or results is damaged or of another version."""


class ServiceError(MiranteError):
    """A service refuses a request, or does not answer it.

    Args:
        status: of HTTP, 0 where nothing answered.
        what: a short code such as `"busy"`.
        message: what is wrong, which value, what to do.
        retry_after: seconds after which to ask again, where that may help.
    """

    def __init__(self, status: int, what: str, message: str, *, retry_after: int | None = None) -> None:
        self.status, self.what, self.retry_after = status, what, retry_after
        super().__init__(message)


class TrainingError(MiranteError):
    """Training stopped before its end; what was saved stays."""
