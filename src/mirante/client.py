"""A typed client of `mirante serve`.

from mirante import Client

with Client("http://127.0.0.1:8000") as client:
    for hit in client.search("a yellow star at night", k=5).hits:
        ...
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar
from urllib.parse import quote

from mirante import config
from mirante.errors import MissingLibrary, ServiceError
from mirante.types import Metadata

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
Picture: TypeAlias = bytes | str | Path
"""Encoded bytes, or the path of a file."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer; see the fields of the same names in the service's OpenAPI document."""

    id: str
    rank: int
    before: int
    score: float
    relevance: float | None
    captions: tuple[str, ...]
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of answers, best first."""

    hits: tuple[Hit, ...]
    nothing_matches: bool | None
    more: bool
    index: str
    model: str


@dataclass(frozen=True, slots=True)
class Caption:
    """A text for a picture, and the id of the item that it belongs to."""

    text: str
    score: float
    relevance: float | None
    id: str


@dataclass(frozen=True, slots=True)
class Label:
    """What a picture could be; probabilities of all labels add up to 1."""

    label: str
    probability: float
    cosine: float
    match: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a question, with `[id]` of the items that it cites; `found` is false where nothing matches."""

    answer: str
    found: bool
    citations: tuple[str, ...]
    language: str
    generator: str
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A change that is on the disk; `count` is the number of rows now."""

    index: str
    ids: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is served."""

    name: str
    holds: str
    kind: str
    count: int
    dim: int
    model: str
    fields: tuple[str, ...]
    created: str
    calibrated: bool
    rerank: tuple[str, ...] = field(default=())


class Client:
    """Calls one service; use it as a context manager, or `close` it.

    Args:
        url: of the service, e.g. `"http://127.0.0.1:8000"`.
        key: sent with every request, where there are keys.
        timeout: seconds for each request.
        retries: how often a request is sent again that the service was too busy for, after the time that it says.
        transport: what carries requests, in place of the network.

    Every method raises `ServiceError` where the service refuses or does not answer.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 2,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise MissingLibrary("httpx", "serve", "The client") from error
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, transport=transport)
        self._failed, self._retries = httpx.HTTPError, retries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def search(
        self,
        text: str | None = None,
        *,
        image: Picture | None = None,
        plus: Sequence[str] = (),
        minus: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
        k: int = 10,
        **more: Any,
    ) -> Hits:
        """The best items for a text, a picture, or a sum of them.

        Args:
            text: what to look for; may end in its weight, `"at night^0.5"`.
            image: a picture to look for.
            plus: texts to add.
            minus: texts to take away.
            where: metadata field → wanted value.
            k: number of answers.
            more: `offset`, `index`; without a picture also `rerank` (names) and `depth`.
        """
        asked = {"text": text, "plus": list(plus), "minus": list(minus), "where": dict(where or {}), "k": k, **more}
        if image is None:
            return _hits(self._plain("POST", "/v1/search", json=_given(asked)))
        asked["where"] = json.dumps(asked["where"])
        return _hits(self._plain("POST", "/v1/search/image", data=_given(asked), files=_upload(image)))

    def similar(self, id_: str, *, k: int = 10, index: str | None = None) -> Hits:
        """The items nearest to one of the index."""
        path = f"/v1/items/{quote(id_, safe='')}/similar"
        return _hits(self._plain("GET", path, params=_given({"k": k, "index": index})))

    def captions(self, image: Picture, *, k: int = 5, index: str | None = None) -> tuple[Caption, ...]:
        """Texts for a picture, best first."""
        asked = _given({"k": k, "index": index})
        found = self._plain("POST", "/v1/captions", data=asked, files=_upload(image))
        return _all(Caption, found["captions"])

    def classify(
        self, image: Picture, labels: Sequence[str], *, language: str = "en", index: str | None = None
    ) -> tuple[Label, ...]:
        """Labels for a picture, most probable first."""
        asked = _given({"labels": list(labels), "language": language, "index": index})
        found = self._plain("POST", "/v1/classify", data=asked, files=_upload(image))
        return _all(Label, found["labels"])

    def ask(self, question: str, **more: Any) -> Answer:
        """An answer that cites items; `more`: `k`, `where`, `language`, `index`, `rerank`, `depth`."""
        *_, answer = self.stream(question, **more)
        if not isinstance(answer, Answer):
            raise ServiceError(200, "cut-off", "The answer ended before it was whole: ask again.")
        return answer

    def stream(self, question: str, **more: Any) -> Iterator[str | Answer]:
        """Pieces of an answer as they come, then the whole; see `ask`."""
        asked = {"question": question, **more}
        try:
            with self._http.stream("POST", "/v1/ask", json=_given(asked)) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer)
                yield from _events(answer.iter_lines())
        except self._failed as error:
            raise ServiceError(0, "unreachable", f"{self._http.base_url} does not answer ({error}).") from error

    def add(
        self,
        id_: str,
        *,
        image: Picture | None = None,
        captions: Sequence[str] = (),
        metadata: Metadata | None = None,
        index: str | None = None,
    ) -> Written:
        """Add an item, or put it in the place of the one that has its id."""
        asked = {"id": id_, "captions": list(captions), "metadata": json.dumps(dict(metadata or {})), "index": index}
        files = _upload(image) if image is not None else None
        return _made(Written, self._plain("POST", "/v1/items", data=_given(asked), files=files))

    def delete(self, ids: Iterable[str], *, index: str | None = None) -> Written:
        """Delete items; where one is not there, none is deleted."""
        return _made(Written, self._plain("DELETE", "/v1/items", json=_given({"ids": list(ids), "index": index})))

    def indexes(self) -> tuple[Index, ...]:
        """Every index that is served; the first is meant where a call names none."""
        return _all(Index, self._plain("GET", "/v1/indexes")["indexes"])

    def swap(self, name: str, folder: str | Path) -> Index:
        """Let the gallery in a folder of the service's machine answer to `name`."""
        path = f"/v1/indexes/{quote(name, safe='')}/swap"
        return _made(Index, self._plain("POST", path, json={"folder": str(folder)}))

    def ready(self) -> bool:
        """Whether the service answers, and takes requests."""
        try:
            return bool(self._plain("GET", "/readyz")["status"] == "ready")
        except ServiceError:
            return False

    def _plain(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        for left in reversed(range(self._retries + 1)):
            try:
                answer = self._http.request(method, path, **content)
            except self._failed as error:
                raise ServiceError(0, "unreachable", f"{self._http.base_url} does not answer ({error}).") from error
            if answer.is_success:
                return _document(answer)
            wrong = _refusal(answer)
            if wrong.status != 429 or not left:
                raise wrong
            time.sleep(wrong.retry_after or 1)
        raise wrong


def _document(answer: "httpx.Response") -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ServiceError(answer.status_code, "not-ours", f"{answer.url} answers with no document: is it a Mirante?")
    return found


def _refusal(answer: "httpx.Response") -> ServiceError:
    after = answer.headers.get("Retry-After", "")
    wait = int(after) if after.isdigit() else None
    try:
        told = answer.json()["error"]
        return ServiceError(answer.status_code, told["what"], told["message"], retry_after=wait)
    except (ValueError, KeyError, TypeError):
        message = f"The service answered with status {answer.status_code}: is its address right?"
        return ServiceError(answer.status_code, "refused", message, retry_after=wait)


def _events(lines: Iterable[str]) -> Iterator[str | Answer]:
    """Of a stream of server-sent events: pieces of text, then the answer.

    Raises:
        ServiceError: the service says that it failed on the way.
    """
    kind = ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data" and kind != "hits":
            told = json.loads(value)
            if kind == "error":
                raise ServiceError(200, told["error"]["what"], told["error"]["message"])
            hits = _all(Hit, told.get("hits", ()))
            yield told["text"] if kind == "text" else replace(_made(Answer, {**told, "hits": []}), hits=hits)


def _upload(image: Picture) -> dict[str, tuple[str, bytes]]:
    data = image if isinstance(image, bytes) else Path(image).read_bytes()
    return {"image": ("picture", data)}


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None and value not in ([], {})}


def _hits(found: Mapping[str, Any]) -> Hits:
    return replace(_made(Hits, {**found, "hits": []}), hits=_all(Hit, found["hits"]))


def _all(kind: type[T], found: Sequence[Mapping[str, Any]]) -> tuple[T, ...]:
    return tuple(_made(kind, one) for one in found)


def _made(kind: type[T], found: Mapping[str, Any]) -> T:
    """Of what is known here; a newer service may say more."""
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return config.build(kind, {name: value for name, value in found.items() if name in known}, kind.__name__)
