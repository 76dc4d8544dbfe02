"""What the buttons of the evaluation do, without a browser: progress first, then results, a message, or the end."""

import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL.Image import Image

from mirante import encoders
from mirante.types import Vectors

evaluate = pytest.importorskip("mirante.web.tabs.evaluate")
ME = SimpleNamespace(session_hash="me")
TOY = encoders.load("toy")


class Waiting:
    """The toy encoder, which waits before its first picture until it is let go."""

    provenance, dim, encode_texts = TOY.provenance, TOY.dim, TOY.encode_texts

    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()

    def encode_images(self, images: Sequence[Image]) -> Vectors:
        self.started.set()
        self.go.wait(60)
        return TOY.encode_images(images)


def fields(address: str, models: tuple[str, ...] = ("toy",), splits: tuple[str, ...] = ()) -> list[Any]:
    return [address, list(splits), "", "", "", list(models), 0]


def test_an_evaluation_is_cancelled_at_its_next_step(tmp_path: Path) -> None:
    waiting = Waiting()
    handlers = evaluate._Handlers(tmp_path, lambda model: waiting)
    shown = handlers.measure("pt", ME, *fields("scenes:test-3"))
    html, stop, *_ = next(shown)
    assert "Começando" in html
    assert stop["interactive"] is True
    next(shown)
    assert waiting.started.wait(60)
    handlers.stop(SimpleNamespace(session_hash="somebody else"))
    assert not handlers.works["me"]._asked.is_set(), "others cannot cancel it"
    handlers.stop(ME)
    waiting.go.set()
    html, stop, name, files = list(shown)[-1]
    assert "Cancelado." in html
    assert (stop["interactive"], name, files["visible"]) == (False, "", False)
    assert handlers.works == {}
    assert not list(tmp_path.rglob("results.json"))


def test_who_leaves_the_page_stops_the_work(tmp_path: Path) -> None:
    waiting = Waiting()
    handlers = evaluate._Handlers(tmp_path, lambda model: waiting)
    shown = handlers.measure("en", ME, *fields("scenes:test-3"))
    next(shown)
    work = handlers.works["me"]
    shown.close()
    waiting.go.set()
    assert work.result() is None


def test_data_is_looked_at_and_the_form_learns_from_it(tmp_path: Path) -> None:
    handlers = evaluate._Handlers(tmp_path, encoders.load)
    *_, last = handlers.look("pt", ME, *fields("scenes:test-5"))
    html, _, splits, image, text, language = last
    assert "Imagens: 5;" in html
    assert (splits["choices"], splits["value"]) == (["test-5"], ["test-5"])
    assert (image["placeholder"], text["placeholder"]) == ("picture", "captions")
    assert [value for _, value in language["choices"]] == ["", "en", "pt-BR"]


@pytest.mark.parametrize(("address", "said"), [("", "No data was named"), ("/nowhere", "Nothing can be read")])
def test_what_cannot_be_measured_is_told(tmp_path: Path, address: str, said: str) -> None:
    handlers = evaluate._Handlers(tmp_path, encoders.load)
    for button in (handlers.look, handlers.measure):
        *_, (html, stop, *_) = button("en", ME, *fields(address))
        assert "This cannot be measured." in html
        assert said in html
        assert stop["interactive"] is False
