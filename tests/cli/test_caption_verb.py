"""`mirante caption`: written, measured and cleaned from the command line, and what it refuses."""

import json

import pytest
from PIL import Image

from mirante.captioning import captioner as captioning
from mirante.cli import main
from mirante.datasets.scenes import SceneDataset
from mirante.types import Provenance

TOLD = {item.picture.id: item.captions[0].text for item in SceneDataset().items("test-6", "pt-BR")}


class Reader:
    """A captioner that knows `scenes:test` by heart: it finds each picture by its pixels."""

    batch = 4
    provenance = Provenance("reader", "1", "p")

    def __init__(self):
        drawn = {item.picture.id: item.picture.load() for item in SceneDataset().items("test-6", "pt-BR")}
        self._known = {image.tobytes(): TOLD[one] for one, image in drawn.items()}

    def pixels(self, images):
        return [image.tobytes() for image in images]

    def write(self, pixels, style):
        return [f"{style.prompt}{self._known[one]}" for one in pixels]


@pytest.fixture
def reader(monkeypatch):
    monkeypatch.setattr(captioning, "open_captioner", lambda address, settings, prompt: Reader())


def say(capsys, *arguments):
    """The document of a call."""
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments), "--json"])
    assert end.value.code in (0, None)
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments):
    """What a call that fails says, and how it ends."""
    with pytest.raises(SystemExit) as end:
        main([*map(str, arguments)])
    return end.value.code, capsys.readouterr().err


def test_written_measured_and_named(reader, tmp_path, capsys):
    out = tmp_path / "c.jsonl"
    call = ("caption", "run", "scenes:test-6", "--model", "reader", "--lang", "pt-BR", "--out", out)
    first = say(capsys, *call)
    assert (first["written"], first["reused"], first["unreadable"]) == (6, 0, [])
    assert say(capsys, *call)["reused"] == 6
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert {row["id"]: row["caption"] for row in rows} == TOLD
    found = say(capsys, "caption", "score", "scenes:test-6", out, "--lang", "pt-BR", "--references", "longest")
    assert found["metrics"]["rouge_l"]["value"] == pytest.approx(1)
    assert found["metrics"]["cider_d"]["value"] == pytest.approx(10)
    assert found["named"] == {
        "captions": 6, "unread": 0, "right": dict.fromkeys(("objects", "colours", "counts", "named", "all"), 6)
    }  # fmt: skip
    assert found["protocol"]["queries"] == 6


def test_who_wrote_and_what_it_took_is_told_by_both_documents(reader, tmp_path, capsys):
    """At 3.6 dollars an hour a thousand captions cost as many dollars as one takes seconds."""
    out = tmp_path / "c.jsonl"
    wrote = say(
        capsys, "caption", "run", "scenes:test-6", "--model", "reader", "--lang", "pt-BR", "--out", out,
        "--usd-per-hour", 3.6,
    )  # fmt: skip
    assert wrote["provenance"] == {"model": "reader", "revision": "1", "preprocessing": "p"}
    cost = wrote["cost"]
    assert (cost["device"], cost["usd_per_hour"]) == ("cpu", 3.6)
    assert cost["usd_per_1000_images"] == pytest.approx(cost["seconds_per_image"])
    assert cost["seconds_per_image"] > 0
    scored = say(capsys, "caption", "score", "scenes:test-6", out, "--lang", "pt-BR")
    assert (scored["provenance"], scored["cost"]) == (wrote["provenance"], cost)
    other = tmp_path / "other.jsonl"
    other.write_bytes(out.read_bytes())
    found = say(capsys, "caption", "score", "scenes:test-6", other, "--lang", "pt-BR")
    assert (found["provenance"], found["cost"]) == (None, None)


def test_other_settings_need_another_file(reader, tmp_path, capsys):
    call = ("caption", "run", "scenes:test-6", "--model", "reader", "--lang", "pt-BR", "--out", tmp_path / "c.jsonl")
    say(capsys, *call)
    code, message = refused(capsys, *call, "--beams", 1)
    assert code == 2
    assert "beams = 3 and not 1" in message
    assert say(capsys, *call, "--prompt", "vejo ", "--restart")["written"] == 6


def test_captions_that_fit_are_kept_and_can_be_trained_on(tmp_path, capsys):
    """The toy encoder sees mean colours and reads their names: a red picture told as blue is dropped."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, colour, told in (("a", (255, 0, 0), "red"), ("b", (0, 0, 255), "red")):
        Image.new("RGB", (8, 8), colour).save(photos / f"{name}.png")
        (photos / f"{name}.txt").write_text(told)
    (tmp_path / "w.jsonl").write_text('{"id": "a.png", "caption": "blue"}\n{"id": "b.png", "caption": "blue"}\n')
    out = tmp_path / "clean.jsonl"
    found = say(
        capsys, "caption", "clean", photos, "--model", "toy", "--captions", tmp_path / "w.jsonl", "--keep", 0.5,
        "--out", out,
    )  # fmt: skip
    assert (found["own"], found["own_kept"], found["written"], found["written_kept"]) == (2, 1, 2, 1)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["id"], row["caption"], row["source"]) for row in rows] == [
        ("a.png", "red", "data"),
        ("b.png", "blue", "written"),
    ]
    seen = say(capsys, "inspect", out)
    assert (seen["images"], seen["captions"]) == (2, 2)


def test_a_line_must_be_drawn(tmp_path, capsys):
    out = tmp_path / "clean.jsonl"
    code, message = refused(capsys, "caption", "clean", "scenes:test-6", "--model", "toy", "--out", out)
    assert code == 2
    assert "either --least (now None), a cosine, or --keep" in message


def test_a_recipe_without_captions_is_refused(tmp_path, capsys):
    recipe = tmp_path / "r.toml"
    recipe.write_text('out = "x"\nsteps = 1\n[model]\nstart = "scenes"\n[data]\naddress = "scenes:train-9"\n')
    code, message = refused(capsys, "caption", "train", recipe)
    assert code == 2
    assert "has no [caption]" in message


def test_an_encoder_writes_no_captions(tmp_path, capsys):
    code, message = refused(
        capsys, "caption", "run", "scenes:test-6", "--model", "scenes", "--out", tmp_path / "c.jsonl"
    )
    assert code == 1
    assert "mirante evaluate" in message
    assert not list(tmp_path.iterdir())
