"""Calls that come together are one call of the encoder; each gets its own rows, or its own error, in time."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from mirante import encoders
from mirante.errors import ServiceError
from mirante.service import Limits
from mirante.service.batching import Batcher

TOY = encoders.load("toy")
WORDS = ["red", "green", "blue", "a yellow and a pink thing", "nothing"]


class Watched:
    """The toy encoder, with a gate, and the sizes of its calls."""

    def __init__(self):
        self.sizes, self.threads, self.gate, self.entered = [], set(), threading.Event(), threading.Event()
        self.gate.set()
        self.provenance, self.dim, self.module = TOY.provenance, TOY.dim, "its network"

    def encode_texts(self, texts):
        return self._counted(texts, TOY.encode_texts)

    def encode_images(self, images):
        return self._counted(images, TOY.encode_images)

    def _counted(self, items, encode):
        self.entered.set()
        self.gate.wait(20)
        self.sizes.append(len(items))
        self.threads.add(threading.current_thread().name)
        if "broken" in items:
            raise ValueError("broken")
        return encode(items)


@pytest.fixture
def batcher():
    made = []

    def make(**limits):
        encoder = Watched()
        made.append(Batcher(encoder, Limits(**{"wait_ms": 0, "seconds": 20, **limits})))
        return made[-1], encoder

    yield make
    for one in made:
        one.encoder.gate.set()
        one.close()


def held(one, encoder, pool):
    """A first call that keeps the encoder busy until its gate opens."""
    encoder.gate.clear()
    first = pool.submit(one.encode_texts, ["first"])
    assert encoder.entered.wait(20)
    return first


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_single_call_gives_the_encoders_rows(batcher):
    one, encoder = batcher()
    np.testing.assert_array_equal(one.encode_texts(WORDS), TOY.encode_texts(WORDS))
    images = [Image.new("RGB", (4, 4), "red")]
    np.testing.assert_array_equal(one.encode_images(images), TOY.encode_images(images))
    assert one.encode_texts([]).shape == (0, TOY.dim)
    assert (one.provenance, one.dim, one.module) == (TOY.provenance, TOY.dim, "its network")
    assert encoder.threads == {"mirante-encoder"}


def test_what_waits_goes_together_and_each_gets_its_own_rows(batcher):
    one, encoder = batcher(batch=8)
    with ThreadPoolExecutor(8) as pool:
        first = held(one, encoder, pool)
        others = [pool.submit(one.encode_texts, [word]) for word in WORDS]
        picture = pool.submit(one.encode_images, [Image.new("RGB", (4, 4), "blue")])
        until(lambda: one.waiting == len(WORDS) + 1)
        encoder.gate.set()
        for word, other in zip(WORDS, others, strict=True):
            np.testing.assert_array_equal(other.result(20), TOY.encode_texts([word]))
        np.testing.assert_array_equal(picture.result(20), TOY.encode_texts(["blue"]))
        first.result(20)
    assert encoder.sizes == [1, len(WORDS), 1], "one call for the texts, one for the picture"


def test_a_batch_is_no_larger_than_the_limit(batcher):
    one, encoder = batcher(batch=2)
    with ThreadPoolExecutor(8) as pool:
        held(one, encoder, pool)
        others = [pool.submit(one.encode_texts, [word]) for word in WORDS]
        until(lambda: one.waiting == len(WORDS))
        encoder.gate.set()
        assert all(other.result(20).shape == (1, TOY.dim) for other in others)
    assert encoder.sizes == [1, 2, 2, 1]


def test_a_first_query_waits_for_others_a_moment(batcher):
    one, encoder = batcher(wait_ms=5000, batch=2)
    with ThreadPoolExecutor(2) as pool:
        start = time.monotonic()
        for other in [pool.submit(one.encode_texts, [word]) for word in WORDS[:2]]:
            other.result(20)
    assert encoder.sizes == [2]
    assert time.monotonic() - start < 5, "a whole batch does not wait"


def test_one_bad_item_spoils_no_other_answer(batcher):
    one, encoder = batcher(batch=8)
    with ThreadPoolExecutor(8) as pool:
        held(one, encoder, pool)
        good, bad = pool.submit(one.encode_texts, ["red"]), pool.submit(one.encode_texts, ["broken"])
        until(lambda: one.waiting == 2)
        encoder.gate.set()
        np.testing.assert_array_equal(good.result(20), TOY.encode_texts(["red"]))
        with pytest.raises(ValueError, match="broken"):
            bad.result(20)
    np.testing.assert_array_equal(one.encode_texts(["blue"]), TOY.encode_texts(["blue"]))


def test_a_full_queue_is_refused_at_once_and_says_when_to_come_back(batcher):
    one, encoder = batcher(queue=2)
    with ThreadPoolExecutor(4) as pool:
        held(one, encoder, pool)
        others = [pool.submit(one.encode_texts, [word]) for word in WORDS[:2]]
        until(lambda: one.waiting == 2)
        with pytest.raises(ServiceError, match="ask again in 1 s") as refused:
            one.encode_texts(["one more"])
        assert (refused.value.status, refused.value.what, refused.value.retry_after) == (429, "busy", 1)
        encoder.gate.set()
        assert all(len(other.result(20)) == 1 for other in others)


def test_who_waits_too_long_is_told_and_is_not_encoded(batcher):
    one, encoder = batcher(seconds=1)
    with ThreadPoolExecutor(2) as pool:
        first = held(one, encoder, pool)
        with pytest.raises(ServiceError, match="did not come within 1 s") as late:
            one.encode_texts(["red", "blue"])
        assert late.value.status == 504
        encoder.gate.set()
        first.exception(20)
    assert len(one.encode_texts(["red"])) == 1
    assert 2 not in encoder.sizes, "nobody waits for those any more"


def test_work_runs_alone_in_the_same_thread(batcher):
    one, encoder = batcher()
    assert one.call(lambda: threading.current_thread().name) == "mirante-encoder"
    np.testing.assert_array_equal(one.call(lambda: encoder.encode_texts(["red"])), TOY.encode_texts(["red"]))
    with pytest.raises(ZeroDivisionError):
        one.call(lambda: 1 / 0)
    assert one.working


def test_queries_of_one_key_share_a_call_and_each_gets_its_own_answer(batcher):
    one, encoder = batcher(batch=8)
    calls = []

    def work(factor):
        def told(items):
            calls.append((factor, list(items), threading.current_thread().name))
            return [factor * item for item in items]

        return told

    with ThreadPoolExecutor(8) as pool:
        held(one, encoder, pool)
        asked = [(3, 10), (4, 10), (5, 10), (6, 2)]
        waits = []
        for at, (item, factor) in enumerate(asked):
            waits.append(pool.submit(one.gather, item, work(factor), ("times", factor)))
            until(lambda at=at: one.waiting == at + 1)
        encoder.gate.set()
        assert [wait.result(20) for wait in waits] == [30, 40, 50, 12]
    assert calls == [(10, [3, 4, 5], "mirante-encoder"), (2, [6], "mirante-encoder")]


def test_a_query_that_fails_spoils_no_other_of_its_call(batcher):
    one, encoder = batcher(batch=8)

    def work(items):
        return [1 / item for item in items]

    with ThreadPoolExecutor(8) as pool:
        held(one, encoder, pool)
        good, bad = pool.submit(one.gather, 4, work, "divided"), pool.submit(one.gather, 0, work, "divided")
        until(lambda: one.waiting == 2)
        encoder.gate.set()
        assert good.result(20) == 0.25
        with pytest.raises(ZeroDivisionError):
            bad.result(20)


def test_at_the_end_what_waits_is_answered_and_nothing_else_is_taken(batcher):
    one, encoder = batcher()
    with ThreadPoolExecutor(2) as pool:
        held(one, encoder, pool)
        other = pool.submit(one.encode_texts, ["red"])
        until(lambda: one.waiting == 1)
        one.close()
        encoder.gate.set()
        assert len(other.result(20)) == 1
    with pytest.raises(ServiceError, match="ending"):
        one.encode_texts(["red"])


def test_an_encoder_that_nobody_uses_any_more_is_let_go():
    encoder = Watched()
    gone = weakref.ref(encoder)
    one = Batcher(encoder, Limits(wait_ms=0))
    one.encode_texts(["red"])
    worker = next(
        thread for thread in threading.enumerate() if thread.name in encoder.threads and thread is one._worker
    )
    del one, encoder
    gc.collect()
    worker.join(20)
    assert not worker.is_alive()
    gc.collect()
    assert gone() is None


def test_calls_are_observed():
    seen = []
    one = Batcher(TOY, Limits(wait_ms=0), lambda kind, size, seconds: seen.append((kind, size, seconds >= 0)))
    one.encode_texts(["red", "blue"])
    one.encode_images([Image.new("RGB", (2, 2))])
    one.close()
    assert seen == [("texts", 2, True), ("images", 1, True)]
