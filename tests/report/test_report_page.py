"""The page as a reader's software sees it: parsed, offline, in either language."""

import copy
import os
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mirante import messages
from mirante.errors import StoreError, UsageError
from mirante.report import write_report

Keep = Callable[[object], Path]
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects elements, visible text and the text of each table; complains of badly nested tags."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.tables: list[str] = []
        self._open: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "table":
            self.tables.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text.append(data)
        if "table" in self._open:
            self.tables[-1] += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]

    @property
    def words(self) -> str:
        read_aloud = [found.get(name, "") for _, found in self.elements for name in ("alt", "aria-label")]
        return " ".join(" ".join([*self.text, *read_aloud]).split())


def written(folder: Path, lang: str) -> Page:
    return Page(write_report(folder, lang))


def test_every_model_and_metric_is_on_the_page(saved: dict[str, Any], keep: Keep) -> None:
    path = write_report(keep(saved), "en")
    page = Page(path)
    assert path.name == "report.html"
    for result in saved["results"]:
        assert result["model"] in page.words
        for metric in result["metrics"]:
            assert page.all("td", **{"data-metric": metric}), metric
    assert "62.0%" in page.words
    assert "60.0–64.0" in page.words


def test_nothing_outside_the_file_is_asked_for(saved: dict[str, Any], keep: Keep) -> None:
    page = written(keep(saved), "en")
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", page.source)
    addresses = [found[name] for _, found in page.elements for name in ("src", "href") if name in found]
    assert addresses
    assert all(one.startswith(("data:image/jpeg;base64,", "#")) for one in addresses)
    assert not page.all("script")
    assert not page.all("link")


def test_captions_ids_and_names_are_never_markup(saved: dict[str, Any], keep: Keep) -> None:
    attack = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
    result = saved["results"][0]
    shown = result["details"]["examples"]["best"][0]
    shown["text"] = attack
    shown["hits"][0] |= {"id": attack, "text": attack}
    for one in saved["results"][:2]:
        one["data"] = one["protocol"]["data"] = attack
    result["model"] = result["provenance"]["model"] = attack
    saved["environment"] |= {"command": attack, "versions": {attack: attack}}
    page = written(keep(saved), "en")
    assert not page.all("script")
    assert not any(name.startswith("on") for _, found in page.elements for name in found)
    assert attack in page.text


def test_one_protocol_is_one_table(saved: dict[str, Any], keep: Keep) -> None:
    for result in saved["results"]:
        del result["details"]["as_given"]
    page = written(keep(saved), "en")
    measured = [text for text in page.tables if "Hit rate" in text]
    assert len(measured) == 2
    assert all("clip-vit" in text and "embedded" in text for text in measured)


def test_another_gallery_size_is_another_table(saved: dict[str, Any], keep: Keep) -> None:
    saved["results"] = saved["results"][:2]
    for result in saved["results"]:
        del result["details"]["as_given"]
    small = saved["results"][1]["protocol"]
    small["gallery"] = small["depth"] = 600
    page = written(keep(saved), "en")
    first, second = (text for text in page.tables if "Hit rate" in text)
    assert "clip-vit" in first
    assert "embedded" not in first
    assert "embedded" in second
    assert "clip-vit" not in second
    assert "in a gallery of 1,000 images" in page.words
    assert "in a gallery of 600 images" in page.words


def test_equal_captions_are_shown_under_both_protocols(saved: dict[str, Any], keep: Keep) -> None:
    saved["results"] = saved["results"][:1]
    page = written(keep(saved), "en")
    assert len([text for text in page.tables if "Hit rate" in text]) == 2
    assert "Equal captions share their right answers." in page.words
    assert "Right answers are as the data gives them, even where captions repeat." in page.words


def test_conditions_are_printed_in_words(saved: dict[str, Any], keep: Keep) -> None:
    saved["results"][0]["protocol"] |= {"depth": 100, "dropped": 0}
    page = written(keep(saved), "en")
    assert "2,500 captions (Brazilian Portuguese) of scenes:test each ask for their pictures" in page.words
    assert "Only the first 100 answers are ranked" in page.words
    assert "No image was left out." in page.words
    assert "Unreadable images left out: 3." in page.words


def test_a_missing_or_broken_thumbnail_is_a_placeholder(saved: dict[str, Any], keep: Keep) -> None:
    folder = keep(saved)
    for broken in (folder / "thumbnails").glob("*.jpg"):
        broken.write_bytes(b"")
    page = written(folder, "en")
    assert not page.all("img")
    assert page.text.count("no thumbnail") == len([1 for _, found in page.elements if found.get("class") == "missing"])
    assert "no thumbnail" in page.text


def test_right_answers_are_marked_by_words_too(saved: dict[str, Any], keep: Keep) -> None:
    page = written(keep(saved), "en")
    relevant = sum(
        hit["relevant"]
        for one in saved["results"]
        for group in one["details"]["examples"].values()
        for example in group
        for hit in example["hits"]
    )
    assert len(page.all("li", **{"class": "right"})) == page.text.count("✓ right") == relevant == 16


def test_what_was_not_found_is_shown(saved: dict[str, Any], keep: Keep) -> None:
    page = written(keep(saved), "en")
    missed = 2 * len(saved["results"])
    assert page.text.count("What would have been right") == missed
    assert len(page.all("div", **{"class": "wanted"})) == missed


def test_pictures_and_tables_can_be_heard(saved: dict[str, Any], keep: Keep) -> None:
    page = written(keep(saved), "en")
    assert all(found["alt"] for found in page.all("img"))
    assert all(found["aria-label"] for found in page.all("svg", role="img"))
    assert all(found["scope"] in {"col", "row", "colgroup"} for found in page.all("th"))
    assert page.all("html", lang="en")


Situation = Callable[[dict[str, Any]], None]


def comparison(first: dict[str, Any], second: dict[str, Any], p: float) -> dict[str, Any]:
    """How two results compare at rank 1, as an evaluation saves it."""
    return {
        "metric": "hit_rate@1",
        "first": first["model"],
        "second": second["model"],
        "protocol": dict(first["protocol"]),
        "difference": 0.031,
        "low": 0.01,
        "high": 0.052,
        "p": p,
        "p_bootstrap": p,
        "p_holm": p,
        "smallest_difference": 0.024,
        "queries": 2500,
        "clusters": 1000,
    }


def as_measured(saved: dict[str, Any]) -> None:
    """Two models, both directions, intervals that lie apart."""


def odd_answers(saved: dict[str, Any]) -> None:
    first, second, *others = saved["results"]
    first["details"]["examples"]["worst"][0]["rank"] = None
    first["details"]["unjudged"] = 2
    first["protocol"] |= {"language": "en", "depth": 10, "dropped": 0}
    second["protocol"] |= {"language": ""}
    for result in others:
        result["protocol"]["language"] = "pt"
        result["details"]["curve"] = {"k": [1, 5, 10], "hit_rate": [0.1, 0.2, 0.3]}
    saved["environment"]["commit"] = None


def intervals_that_overlap(saved: dict[str, Any]) -> None:
    for result in saved["results"]:
        result["metrics"]["hit_rate@1"] = {"value": 0.5, "low": 0.4, "high": 0.6}


def no_intervals(saved: dict[str, Any]) -> None:
    for result, value in zip(saved["results"], (0.2, 0.3, 0.2, 0.3), strict=True):
        result["metrics"]["hit_rate@1"] = {"value": value, "low": value, "high": value}


def told_apart_and_not(saved: dict[str, Any]) -> None:
    """Three models on a tenth of the data: one is ahead, the other two are alike."""
    last, first, *_ = saved["results"]
    third = copy.deepcopy(last)
    third["model"] = third["provenance"]["model"] = "third"
    saved["results"] = [last, first, third]
    for one in saved["results"]:
        one["protocol"] |= {"first_captions": 1, "fraction": 0.1, "seed": 42}
    pairs = ((first, last, 0.0002), (first, third, 0.0002), (last, third, 0.4))
    saved["comparisons"] = [comparison(*pair) for pair in pairs]


def all_alike(saved: dict[str, Any]) -> None:
    """Five captions an image, five galleries, two models that the test does not tell apart."""
    last, first, *_ = saved["results"]
    for one in (last, first):
        one["protocol"] |= {"first_captions": 5, "folds": 5}
    saved["comparisons"] = [comparison(first, last, 0.4)]


def published_protocols(saved: dict[str, Any]) -> None:
    text, _, image, _ = saved["results"]
    text["details"]["preset"] = {"title": "Flickr30k 1k", "source": "Karpathy", "recall": "any-hit"}
    image["details"]["preset"] = {"title": "Winoground", "source": "Thrush", "recall": "fractional"}


EVERY_SITUATION = (
    as_measured,
    odd_answers,
    intervals_that_overlap,
    no_intervals,
    told_apart_and_not,
    all_alike,
    published_protocols,
)


@pytest.mark.parametrize("situation", EVERY_SITUATION)
def test_portuguese_leaves_no_english_behind(situation: Situation, saved: dict[str, Any], keep: Keep) -> None:
    situation(saved)
    page = written(keep(saved), "pt")
    assert page.all("html", lang="pt-BR")
    assert "62,0%" in page.words
    assert "62.0%" not in page.words
    assert "legendas (" in page.words
    fragments = {
        fragment.strip()
        for key, texts in messages.catalogue().items()
        if key.startswith("report.") and texts["en"] != texts["pt"]
        for fragment in re.split(r"\{\w+\}", texts["en"])
        if len(fragment.strip()) > 8
    }
    assert len(fragments) > 60
    assert {one for one in fragments if re.search(rf"(?<!\w){re.escape(one)}(?!\w)", page.words)} == set()


@pytest.mark.parametrize("situation", EVERY_SITUATION)
def test_both_languages_have_the_same_sections(situation: Situation, saved: dict[str, Any], keep: Keep) -> None:
    situation(saved)
    english, portuguese = (written(keep(saved), lang) for lang in ("en", "pt"))
    tags = [[tag for tag, _ in page.elements] for page in (english, portuguese)]
    assert tags[0] == tags[1]
    assert [one.get("id") for one in english.all("h2")] == [one.get("id") for one in portuguese.all("h2")]
    assert len(english.tables) == len(portuguese.tables) > 2


def test_every_message_of_the_area_is_drawn(saved: dict[str, Any], keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[str] = set()
    text = messages.text

    def listen(key: str, lang: str | None = None, /, **values: object) -> str:
        said.add(key)
        return text(key, lang, **values)

    monkeypatch.setattr(messages, "text", listen)
    for situation in EVERY_SITUATION:
        changed = copy.deepcopy(saved)
        situation(changed)
        written(keep(changed), "pt")
    assert {key for key in messages.catalogue() if key.startswith("report.")} - said == set()


def test_drawing_again_gives_the_same_bytes(saved: dict[str, Any], keep: Keep) -> None:
    folder = keep(saved)
    first = write_report(folder, "pt").read_bytes()
    assert write_report(folder, "pt").read_bytes() == first
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "results.json", "thumbnails"]


def test_the_environment_chooses_the_language(
    saved: dict[str, Any], keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRANTE_LANG", "pt_BR")
    assert Page(write_report(keep(saved))).all("html", lang="pt-BR")


def test_figures_without_details_still_make_a_page(saved: dict[str, Any], keep: Keep) -> None:
    saved["results"] = saved["results"][:1]
    saved["results"][0]["details"] = {}
    saved["results"][0]["metrics"] = {"mrr": {"value": None, "low": None, "high": None}}
    saved["environment"] = {}
    page = written(keep(saved), "en")
    assert "—" in page.words
    assert not page.all("svg")


def test_a_folder_without_results_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"results\.json.*--out"):
        write_report(tmp_path)


def test_no_result_is_a_wrong_call(saved: dict[str, Any], keep: Keep) -> None:
    with pytest.raises(UsageError, match="holds no result"):
        write_report(keep(saved | {"results": []}))


def damaged(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return change


@pytest.mark.parametrize(
    "change",
    [
        damaged(lambda saved: saved.pop("results")),
        damaged(lambda saved: saved.update(schema=2)),
        damaged(lambda saved: saved.update(results="none")),
        damaged(lambda saved: saved["results"][0].pop("protocol")),
        damaged(lambda saved: saved["results"][0]["protocol"].update(gallery="many")),
        damaged(lambda saved: saved["results"][0]["metrics"].update(mrr=0.5)),
        damaged(lambda saved: saved["results"][0]["details"]["examples"]["best"][0].pop("rank")),
        damaged(lambda saved: saved["results"][0]["details"]["curve"].pop("k")),
        damaged(lambda saved: saved["results"][0]["details"]["histogram"]["positive"].pop()),
    ],
)
def test_damaged_results_are_named(
    change: Callable[[dict[str, Any]], object], saved: dict[str, Any], keep: Keep
) -> None:
    change(saved)
    folder = keep(saved)
    with pytest.raises(StoreError, match=r"results\.json.*again"):
        write_report(folder)
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"schema": 1, "results": [{}]}'])
def test_a_broken_file_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match=r"results\.json"):
        write_report(tmp_path)


def test_drawing_loads_no_torch() -> None:
    code = "import sys, mirante.report; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0
