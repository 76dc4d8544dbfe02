"""Folders: metadata files, side-cars in one and many languages, class folders, splits."""

import subprocess
from pathlib import Path

import pytest
from PIL import Image

from mirante.datasets import ReadOptions, inspect, open_dataset, read_pairs
from mirante.errors import DataError, UnreadableImage, UsageError

STAMPS = Path("/usr/share/tuxpaint/stamps")


def paint(path: Path, colour: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (colour, 255 - colour, 7)).save(path)


def read(address, split="all", language=None, **options):
    items = open_dataset(str(address), ReadOptions(**options)).items(split, language)
    return {item.picture.id: [caption.text for caption in item.captions] for item in items}


def test_a_side_car_has_one_caption_a_line(tmp_path):
    paint(tmp_path / "deep/er/a.png", 1)
    (tmp_path / "deep/er/a.txt").write_text("um gato\n\n  outro gato  \n")
    paint(tmp_path / "b.JPG", 2)
    assert read(tmp_path) == {"b.JPG": [], "deep/er/a.png": ["um gato", "outro gato"]}


def test_side_cars_in_a_latin_encoding_are_read(tmp_path):
    paint(tmp_path / "a.png")
    (tmp_path / "a.txt").write_bytes("uma maçã".encode("cp1252"))
    assert read(tmp_path) == {"a.png": ["uma maçã"]}


def test_hidden_files_and_other_kinds_are_left_out_and_counted(tmp_path):
    paint(tmp_path / "a.png")
    paint(tmp_path / ".hidden.png")
    paint(tmp_path / ".cache/b.png")
    (tmp_path / "drawing.svg").write_text("<svg/>")
    (tmp_path / "notes.md").write_text("x")
    assert read(tmp_path) == {"a.png": []}
    assert open_dataset(str(tmp_path)).ignored == {".md": 1, ".svg": 1}


def test_class_folders_give_the_caption_and_the_class(tmp_path):
    paint(tmp_path / "train/golden_retriever/1.png", 1)
    paint(tmp_path / "test/cat/2.png", 2)
    dataset = open_dataset(str(tmp_path))
    assert dataset.splits == ("train", "test")
    (item,) = dataset.items("train")
    assert item.picture.id == "train/golden_retriever/1.png"
    assert [caption.text for caption in item.captions] == ["golden retriever"]
    assert item.picture.metadata == {"class": "golden_retriever"}


def test_split_names_count_only_when_every_picture_lies_in_a_split(tmp_path):
    paint(tmp_path / "train/1.png", 1)
    paint(tmp_path / "station/2.png", 2)
    assert open_dataset(str(tmp_path)).splits == ("all",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,text,artist,year\na.png,uma flor,Tarsila,1928\nb.png,um rio,Portinari,1935\n"),
        (
            "metadata.jsonl",
            '{"file_name": "a.png", "text": ["uma flor"], "artist": "Tarsila", "year": "1928"}\n'
            '{"file_name": "b.png", "text": "um rio", "artist": "Portinari", "year": "1935"}\n',
        ),
    ],
)
def test_metadata_files(tmp_path, name, text):
    paint(tmp_path / "a.png", 1)
    paint(tmp_path / "b.png", 2)
    paint(tmp_path / "c.png", 3)
    (tmp_path / name).write_text(text)
    dataset = open_dataset(str(tmp_path))
    assert dataset.columns == {"image": "file_name", "text": "text"}
    assert read(tmp_path) == {"a.png": ["uma flor"], "b.png": ["um rio"]}
    assert next(iter(dataset.items("all"))).picture.metadata == {"artist": "Tarsila", "year": "1928"}
    assert dataset.ignored == {"pictures without a side-car or metadata row": 1}


def test_metadata_in_a_split_folder_starts_its_paths_there(tmp_path):
    for split in ("train", "test"):
        paint(tmp_path / split / "a.png", len(split))
        (tmp_path / split / "metadata.csv").write_text(f"file_name,text\na.png,the picture of {split}\n")
    assert read(tmp_path, "train") == {"train/a.png": ["the picture of train"]}
    assert read(tmp_path, "test") == {"test/a.png": ["the picture of test"]}


def test_several_rows_of_one_file_are_captions_of_one_picture(tmp_path):
    paint(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text("file_name,text\na.png,uma flor\na.png,a flower\n")
    assert read(tmp_path) == {"a.png": ["uma flor", "a flower"]}


def test_a_missing_picture_keeps_its_row_and_says_so(tmp_path):
    paint(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text("file_name,text\ngone.png,lost\nlost.png,lost too\na.png,here it is\n")
    gone, lost, here = open_dataset(str(tmp_path)).items("all")
    assert [one.captions[0].text for one in (gone, lost, here)] == ["lost", "lost too", "here it is"]
    assert gone.picture.content != lost.picture.content
    with pytest.raises(UnreadableImage) as caught:
        gone.picture.load()
    assert caught.value.reason == "missing"


def test_damaged_metadata_and_an_empty_folder_have_their_message(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no pictures"):
        open_dataset(str(tmp_path / "empty"))
    paint(tmp_path / "a.png")
    (tmp_path / "metadata.jsonl").write_text("{broken")
    with pytest.raises(DataError, match=r"metadata\.jsonl"):
        open_dataset(str(tmp_path))


# ---- Tux Paint -----------------------------------------------------------------------------------------------------

BEE = "A bee.\npt.utf8=Uma abelha.\nfr=Une abeille\npt_BR.utf8=Abelha.\nsr@latin.utf8=Pčela.\n"


@pytest.fixture
def stamps(tmp_path):
    paint(tmp_path / "insects/bee.png", 1)
    (tmp_path / "insects/bee.txt").write_bytes(BEE.encode() + b"es.utf8=\xff\xfe\n")
    paint(tmp_path / "insects/ant.png", 2)
    (tmp_path / "insects/ant.txt").write_text("An ant.\n")
    paint(tmp_path / "insects/bee_mirror.png", 3)
    return tmp_path


@pytest.mark.parametrize(
    ("language", "bee", "ant"),
    [
        (None, {"en": "A bee.", "pt": "Uma abelha.", "pt-BR": "Abelha.", "sr-Latn": "Pčela."}, {"en": "An ant."}),
        ("pt_BR", {"pt-BR": "Abelha."}, {}),
        ("pt", {"pt": "Uma abelha.", "pt-BR": "Abelha."}, {}),
        ("en", {"en": "A bee."}, {"en": "An ant."}),
    ],
)
def test_tux_paint_languages(stamps, language, bee, ant):
    items = list(open_dataset(str(stamps)).items("all", language))
    found = {item.picture.id: {c.language: c.text for c in item.captions} for item in items}
    assert found == {"insects/ant.png": ant, "insects/bee.png": bee}
    assert items[0].picture.metadata == {"folder": "insects"}


def test_a_caption_keeps_its_id_in_every_language(stamps):
    def ids(language):
        items = open_dataset(str(stamps)).items("all", language)
        return {caption.text: caption.id for item in items for caption in item.captions}

    assert ids("pt_BR") == {"Abelha.": "insects/bee.png#2"}
    assert ids("pt_BR").items() <= ids(None).items()


def shell(pipeline: str) -> list[str]:
    done = subprocess.run(["bash", "-c", pipeline], cwd=STAMPS, capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]


@pytest.mark.skipif(not STAMPS.is_dir(), reason="the package tuxpaint-stamps-default is not installed")
def test_the_stamps_of_tux_paint_agree_with_the_shell():
    with_text = 'find . -name "*.png" | while read -r f; do [ -f "${f%.png}.txt" ] && echo "${f%.png}"; done'
    count = len(shell(with_text))
    different = len(shell(f"{with_text} | sed 's/$/.png/' | xargs md5sum | cut -d' ' -f1 | sort -u"))
    portuguese = shell(f"""{with_text} | sed 's/$/.txt/' | xargs grep -h '^pt_BR.utf8=.' | cut -d= -f2- """)
    english = shell(f"{with_text} | sed 's/$/.txt/' | xargs awk 'FNR == 1'")
    assert count == 785
    dataset = open_dataset(str(STAMPS))
    found = inspect(dataset, "pt_BR")
    assert (found.images, found.captions, found.unreadable) == (count, len(portuguese), {})
    assert found.images - found.merged == different
    assert found.languages == {"pt-BR": len(portuguese)}
    assert found.ignored[".svg"] == len(shell('find . -name "*.svg"'))
    texts = sorted(c.text for item in dataset.items("all", "pt_BR") for c in item.captions)
    assert texts == sorted(" ".join(line.split()) for line in portuguese)
    first = [c.text for item in dataset.items("all", "en") for c in item.captions if c.language == "en"]
    assert sorted(first) == sorted(" ".join(line.split()) for line in english if line.strip())
    assert len(read_pairs(dataset, language="pt_BR").images) == different
