"""The page of a captioner's training, drawn from `captions.json` and small pictures alone."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mirante.errors import StoreError
from mirante.report import write_report
from mirante.shown import thumbnail

PROTOCOL = {
    "data": "scenes:validation-2", "language": "pt-BR", "direction": "image_to_text", "gallery": 0, "queries": 2,
    "captions_per_image": 1.0, "equal_captions": "as given", "depth": 0, "dropped": 1,
}  # fmt: skip


def metrics(bleu: float, rouge: float, cider: float) -> dict[str, Any]:
    values = {"bleu_4": bleu, "rouge_l": rouge, "cider_d": cider}
    return {name: {"value": one, "low": one - 0.01, "high": one + 0.01} for name, one in values.items()}


def document(**changed: Any) -> dict[str, Any]:
    plain = {
        "schema": 1, "checkpoint": "run/checkpoint", "before": metrics(0.1, 0.3, 0.5), "after": metrics(0.4, 0.6, 2.25),
        "retain_before": {}, "retain_after": {}, "protocols": {"target": PROTOCOL}, "usd_per_hour": 0.0,
        "cost": {"hours": 0.5, "usd": 0.0, "peak_bytes": 1_500_000_000},
        "predicted": {"hours": 0.6, "usd": None, "peak_bytes": 1_600_000_000},
        "base": {"model": "blip", "revision": "abc", "preprocessing": "def"}, "environment": {"commit": "0123"},
        "examples": [
            {"image": "a", "before": "um gato", "after": "dois gatos <b>pretos</b>", "references": ["dois gatos"]},
            {"image": "b", "before": None, "after": "uma estrela", "references": ["um sol", "uma estrela"]},
        ],
    }  # fmt: skip
    return plain | changed


def drawn(folder: Path, lang: str = "en", **changed: Any) -> str:
    (folder / "captions.json").write_text(json.dumps(document(**changed)), encoding="utf-8")
    page = write_report(folder, lang).read_text(encoding="utf-8")
    return " ".join(re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).split())


def row(page: str, name: str) -> str:
    """The text of the row that begins with `name`."""
    found = re.search(rf'<tr><th scope="row">{re.escape(name)}</th>(.*?)</tr>', page)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def test_every_metric_stands_before_and_after_with_its_interval(tmp_path: Path) -> None:
    page = drawn(tmp_path)
    assert row(page, "BLEU-4") == "10.0% 9.0–11.0 40.0% 39.0–41.0 +30.0"
    assert row(page, "ROUGE-L") == "30.0% 29.0–31.0 60.0% 59.0–61.0 +30.0"
    assert row(page, "CIDEr-D") == "0.50 0.49–0.51 2.25 2.24–2.26 +1.75"


def test_the_conditions_are_said_and_no_gallery_is_spoken_of(tmp_path: Path) -> None:
    page = drawn(tmp_path)
    assert "2 pictures of scenes:validation-2 are described once each" in page
    assert "Unreadable images left out: 1." in page
    assert "gallery" not in page


def test_what_it_took_stands_beside_what_was_expected(tmp_path: Path) -> None:
    page = drawn(tmp_path)
    assert row(page, "hours, reading and measuring included") == "0.500 0.600"
    assert row(page, "memory at most (GB)") == "1.50 1.60"
    assert row(page, "US dollars") == ""
    paid = drawn(tmp_path, usd_per_hour=2.0, cost={"hours": 0.5, "usd": 1.0, "peak_bytes": 10**9}, predicted=None)
    assert row(paid, "US dollars") == "1.00 —"


def test_a_picture_stands_beside_its_caption_before_after_and_the_data_s_own(tmp_path: Path) -> None:
    (tmp_path / "thumbnails").mkdir()
    thumbnail(Image.new("RGB", (300, 200), "red"), "a", tmp_path / "thumbnails")
    page = drawn(tmp_path)
    assert page.count('<img src="data:image/jpeg;base64,') == 1
    assert "<td>um gato</td><td>dois gatos &lt;b&gt;pretos&lt;/b&gt;</td><td>dois gatos</td>" in page
    assert "<td>—</td><td>uma estrela</td><td>um sol / uma estrela</td>" in page


def test_small_pictures_are_no_longer_than_192_pixels(tmp_path: Path) -> None:
    with Image.open(thumbnail(Image.new("RGB", (300, 200)), "a", tmp_path)) as kept:
        assert (kept.size, kept.format) == ((192, 128), "JPEG")


def test_a_new_decoder_has_nothing_before(tmp_path: Path) -> None:
    assert row(drawn(tmp_path, before={}), "CIDEr-D") == "— 2.25 2.24–2.26 —"


def test_it_speaks_portuguese(tmp_path: Path) -> None:
    page = drawn(tmp_path, "pt")
    assert '<html lang="pt-BR">' in page
    assert "2 imagens de scenes:validation-2 são descritas uma vez cada" in page
    assert row(page, "CIDEr-D") == "0,50 0,49–0,51 2,25 2,24–2,26 +1,75"


@pytest.mark.parametrize("changed", [{"schema": 2}, {"after": {"bleu_4": 3}}, {"examples": [{}]}])
def test_a_damaged_file_is_named(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match=r"captions.json.*train again"):
        drawn(tmp_path, **changed)
