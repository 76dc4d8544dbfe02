"""The page beside a service: it follows what is swapped, and lets nobody pass a key."""

from types import SimpleNamespace
from typing import Any

import pytest

from mirante.cli.served_page import OnShelf, page_for
from mirante.errors import UsageError


class Shelf:
    """Two galleries, one of which will be swapped."""

    def __init__(self) -> None:
        self.held = {name: held(name, f"{name} of Monday") for name in ("art", "birds")}

    def __iter__(self) -> Any:
        return iter(self.held.values())

    def get(self, name: str) -> Any:
        return self.held[name]


def held(name: str, gallery: str) -> Any:
    return SimpleNamespace(name=name, gallery=gallery, encoder="model", rerankers={"exact": "elip", "slow": "judge"})


def test_a_swapped_gallery_is_shown_from_then_on() -> None:
    shelf = Shelf()
    shown = OnShelf(shelf)
    assert [one.name for one in shown] == ["art", "birds"]
    assert shown[1].gallery == "birds of Monday"
    shelf.held["birds"] = held("birds", "birds of Tuesday")
    assert shown[1].gallery == "birds of Tuesday"
    assert shown[0].rerankers == ("elip", "judge")
    assert [one.gallery for one in shown[1:]] == ["birds of Tuesday"]


def test_a_service_with_keys_shows_no_page() -> None:
    with pytest.raises(UsageError, match="asks nobody for a key"):
        page_for(SimpleNamespace(keys=("one",)), "Mirante")
