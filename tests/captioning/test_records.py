"""What is written stays written: lines and side-cars, killed runs, other runs, other hands."""

import json

import pytest
from PIL import Image

from mirante.captioning.records import Lines, SideCars, Taken, add_taken, made, open_records, taken
from mirante.captioning.styles import Style
from mirante.captioning.writing import Described, describe
from mirante.datasets import open_dataset, read_pairs
from mirante.errors import UnreadableImage, UsageError
from mirante.types import Picture

RUN = {"model": "m", "beams": 3}


class Namer:
    """A captioner that says the colour of a picture's corner, and counts how often it was asked."""

    batch = 2

    def __init__(self):
        self.asked = []

    def pixels(self, images):
        return [image.getpixel((0, 0)) for image in images]

    def write(self, pixels, style):
        self.asked.append(len(pixels))
        return [f"cor {red}" for red, *_ in pixels]


def picture(name, red, path=None):
    return Picture(name, f"content {name}", lambda: Image.new("RGB", (4, 4), (red, 0, 0)), path=path)


def unreadable(name):
    def load():
        raise UnreadableImage("truncated", "it ends")

    return Picture(name, f"content {name}", load)


FIVE = [picture(f"p{at}", at) for at in range(5)]


def write(records, pictures=FIVE, stop=None):
    writer = Namer()
    for number, batch in enumerate(describe(writer, pictures, Style(), done=records.done)):
        if number == stop:
            break
        records.add(batch)
    return writer.asked


@pytest.mark.parametrize("name", ["captions.jsonl", "captions.csv"])
def test_a_run_that_was_cut_off_goes_on_and_leaves_the_same_file(tmp_path, name):
    whole, parts = tmp_path / "whole" / name, tmp_path / "parts" / name
    assert write(Lines(whole, RUN)) == [2, 2, 1]
    assert write(Lines(parts, RUN), stop=1) == [2, 2]
    raw = whole.read_bytes()
    parts.write_bytes(raw[: raw.index(b"p3") + 4])  # a kill in the middle of a batch and of a line
    assert Lines(parts, RUN).done == {"p0", "p1", "p2"}
    assert write(Lines(parts, RUN)) == [2, 1]
    assert parts.read_bytes() == whole.read_bytes()
    assert Lines(parts, RUN).captions == {f"p{at}": f"cor {at}" for at in range(5)}
    assert write(Lines(parts, RUN)) == []


def test_json_lines_name_the_picture_from_where_they_lie(tmp_path):
    shown = picture("a.png", 7, path=str(tmp_path / "photos" / "a.png"))
    write(Lines(tmp_path / "out" / "c.jsonl", RUN), [shown])
    line = json.loads((tmp_path / "out" / "c.jsonl").read_text())
    assert line == {"id": "a.png", "image": "../photos/a.png", "caption": "cor 7"}


def test_a_caption_with_a_comma_and_quotes_survives_csv(tmp_path):
    lines = Lines(tmp_path / "c.csv", RUN)
    lines.add([Described(FIVE[0], 'um gato, "preto"')])
    assert Lines(tmp_path / "c.csv", RUN).captions == {"p0": 'um gato, "preto"'}


def test_unreadable_pictures_get_no_caption_and_are_tried_again(tmp_path):
    mixed = [FIVE[0], unreadable("bad"), FIVE[1]]
    lines = Lines(tmp_path / "c.jsonl", RUN)
    found = [one for batch in describe(Namer(), mixed, Style()) for one in batch]
    assert [(one.picture.id, one.caption, one.reason) for one in found] == [
        ("p0", "cor 0", ""),
        ("bad", "", "truncated"),
        ("p1", "cor 1", ""),
    ]
    lines.add(found)
    assert lines.done == {"p0", "p1"}


def test_another_run_is_refused_until_it_starts_anew(tmp_path):
    path = tmp_path / "c.jsonl"
    write(Lines(path, RUN))
    with pytest.raises(UsageError, match=r"another run, with beams = 3 and not 1.*--restart"):
        Lines(path, RUN | {"beams": 1})
    assert Lines(path, RUN | {"beams": 1}, restart=True).done == frozenset()
    with pytest.raises(UsageError, match=r"neither \.jsonl nor \.csv"):
        Lines(tmp_path / "c.txt", RUN)


def test_a_file_of_other_hands_is_not_written_into(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text('{"id": "p0", "caption": "mine"}\n')
    with pytest.raises(UsageError, match="no run of captions made it"):
        Lines(path, RUN)
    assert path.read_text() == '{"id": "p0", "caption": "mine"}\n'


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x010E] = "made by hand"
    for name, red in (("a.jpg", 10), ("sub/b.jpg", 20)):
        Image.new("RGB", (4, 4), (red, 0, 0)).save(folder / name, exif=exif)
    return folder


def test_side_cars_lie_beside_their_pictures_which_stay_as_they_are(photos):
    before = {path: path.read_bytes() for path in photos.rglob("*.jpg")}
    cars = open_records(photos, RUN)
    assert isinstance(cars, SideCars)
    write(cars, read_pairs(open_dataset(str(photos))).images)
    assert (photos / "sub" / "b.txt").read_text().startswith("cor ")
    assert {path: path.read_bytes() for path in photos.rglob("*.jpg")} == before
    told = {one.id: one.text for one in read_pairs(open_dataset(str(photos))).captions}
    assert len(told) == 2
    assert all(text.startswith("cor ") for text in told.values())


def test_a_side_car_of_other_hands_is_left_alone(photos):
    (photos / "a.txt").write_text("written by a person\n")
    cars = open_records(photos, RUN)
    write(cars, read_pairs(open_dataset(str(photos))).images)
    assert (photos / "a.txt").read_text() == "written by a person\n"
    assert (cars.kept, cars.done) == (1, {"sub/b.jpg"})
    open_records(photos, RUN | {"model": "n"}, restart=True)
    assert not (photos / "sub" / "b.txt").exists()
    assert (photos / "a.txt").read_text() == "written by a person\n"


def test_a_side_car_never_leaves_its_folder(tmp_path):
    cars = SideCars(tmp_path / "out", RUN)
    with pytest.raises(UsageError, match="outside"):
        cars.add([Described(picture("../../etc/x.png", 1), "um gato")])
    assert not list(tmp_path.glob("etc*"))


def test_what_captions_took_adds_up_over_starts_and_restart_forgets_it(tmp_path):
    """Ten captions in five seconds, then thirty in five."""
    out = tmp_path / "c.jsonl"
    Lines(out, {"model": "a"})
    assert taken(out) is None
    assert add_taken(out, Taken(10, 5.0, "cpu")).each == 0.5
    assert add_taken(out, Taken(30, 5.0, "T4", 2.0)) == taken(out) == Taken(40, 10.0, "T4", 2.0)
    assert made(out) == {"model": "a"}
    Lines(out, {"model": "a"}, restart=True)
    assert taken(out) is None


def test_of_captions_that_another_hand_wrote_nobody_knows_who_and_what_they_took(tmp_path):
    (tmp_path / "c.jsonl").write_text("")
    assert (made(tmp_path / "c.jsonl"), taken(tmp_path / "c.jsonl")) == (None, None)


def test_side_cars_remember_what_they_took_in_their_folder(tmp_path):
    records = open_records(tmp_path / "texts", {"model": "a"})
    records.add([])
    assert add_taken(records.path, Taken(0, 1.0, "cpu")).each is None
    assert taken(tmp_path / "texts") == Taken(0, 1.0, "cpu")
