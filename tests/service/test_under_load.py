"""Many at once: what there is no room for is refused, and an index swapped meanwhile loses no request."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from served_squares import key, squares

from mirante import encoders
from mirante.service import Limits

SEARCH, ADMIN = key("search"), key("admin")


class Slow:
    """The toy encoder behind a gate."""

    def __init__(self):
        toy = encoders.load("toy")
        self.provenance, self.dim, self.encode_images = toy.provenance, toy.dim, toy.encode_images
        self._texts, self.gate, self.entered = toy.encode_texts, threading.Event(), threading.Event()

    def encode_texts(self, texts):
        self.entered.set()
        self.gate.wait(20)
        return self._texts(texts)


@pytest.fixture
def slow():
    made = Slow()
    yield made
    made.gate.set()


def ask(client, text="red"):
    return client.post("/v1/search", json={"text": text}, headers=SEARCH)


def until_waiting(client, count):
    end = time.monotonic() + 20
    while client.app.state.desk.shelf.get(None).encoder.waiting < count:
        assert time.monotonic() < end
        time.sleep(0.002)


def test_more_than_there_is_room_for_is_429_with_retry_after_and_health_still_answers(serve, slow):
    client = serve(load=lambda address: slow, limits=Limits(requests=2, wait_ms=0, seconds=20))
    with ThreadPoolExecutor(2) as pool:
        under_way = [pool.submit(ask, client)]
        assert slow.entered.wait(20)
        under_way.append(pool.submit(ask, client))
        until_waiting(client, 1)
        refused = ask(client)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert refused.json()["error"]["what"] == "busy"
        assert client.get("/healthz").status_code == 200
        slow.gate.set()
        assert [one.result(20).status_code for one in under_way] == [200, 200]
    assert ask(client).status_code == 200


def test_an_answer_that_does_not_come_in_time_is_504(serve, slow):
    client = serve(load=lambda address: slow, limits=Limits(wait_ms=0, seconds=1))
    answer = ask(client)
    assert (answer.status_code, answer.json()["error"]["what"]) == (504, "late")
    slow.gate.set()
    assert ask(client).status_code == 200


def test_queries_that_come_together_share_a_call(serve, slow):
    client = serve(load=lambda address: slow, limits=Limits(wait_ms=0, seconds=20))
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(ask, client, "red")]
        assert slow.entered.wait(20)
        asked += [pool.submit(ask, client, word) for word in ("green", "blue", "red", "green")]
        until_waiting(client, 4)
        slow.gate.set()
        first = [one.result(20).json()["hits"][0]["id"] for one in asked]
    assert first == ["red", "green", "blue", "red", "green"]
    metrics = client.get("/metrics", headers=key("metrics")).text
    assert 'mirante_batch_items_count{kind="queries"} 2' in metrics, (
        "one call for the first, one for the four that waited"
    )


def test_queries_that_come_together_are_each_answered_from_their_own_index(serve, slow):
    client = serve(load=lambda address: slow, limits=Limits(wait_ms=0, seconds=20))
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask, client)
        assert slow.entered.wait(20)
        asked = [{"text": "red", "index": index} for index in ("squares", "texts")]
        others = [pool.submit(client.post, "/v1/search", json=one, headers=SEARCH) for one in asked]
        until_waiting(client, 2)
        slow.gate.set()
        first.result(20)
        found = [sorted(hit["id"] for hit in one.result(20).json()["hits"]) for one in others]
    assert found == [["blue", "green", "red"], ["t1", "t2"]]


def test_a_swap_under_load_loses_no_request(serve, tmp_path):
    client = serve()
    folders = [squares(tmp_path / name, {"red": at, "blue": at}) for at, name in enumerate(("even", "odd"))]
    stop, answers = threading.Event(), []

    def go_on():
        while not stop.is_set():
            answers.append(ask(client))

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(go_on) for _ in range(3)]
        for at in range(6):
            swapped = client.post("/v1/indexes/squares/swap", json={"folder": str(folders[at % 2])}, headers=ADMIN)
            assert swapped.status_code == 200
        stop.set()
        for one in asking:
            one.result(20)
    assert len(answers) >= 3
    assert {answer.status_code for answer in answers} == {200}
    seen = [[(hit["id"], hit["metadata"]["year"]) for hit in answer.json()["hits"]] for answer in answers]
    whole = [[("red", 1999), ("green", 2001), ("blue", 2001)], *([("red", at), ("blue", at)] for at in (0, 1))]
    assert all(one in whole for one in seen), "each answer is of one index, whole"


def test_a_request_under_way_ends_on_the_index_that_it_began_with(serve, slow, tmp_path):
    client = serve(load=lambda address: slow, limits=Limits(wait_ms=0, seconds=20))
    other = squares(tmp_path / "other", {"pink": 1})
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(ask, client)
        assert slow.entered.wait(20)
        client.post("/v1/indexes/squares/swap", json={"folder": str(other)}, headers=ADMIN)
        slow.gate.set()
        assert [hit["id"] for hit in under_way.result(20).json()["hits"]] == ["red", "green", "blue"]
    assert [hit["id"] for hit in ask(client).json()["hits"]] == ["pink"]


def test_writes_at_once_are_all_kept(serve):
    client = serve()

    def add(name):
        data = {"id": name, "captions": ["a green hill"], "index": "texts"}
        return client.post("/v1/items", data=data, headers=key("write")).status_code

    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(add, [f"new {at}" for at in range(6)]))
    assert codes == [201] * 6
    assert client.get("/v1/indexes", headers=SEARCH).json()["indexes"][1]["count"] == 8
