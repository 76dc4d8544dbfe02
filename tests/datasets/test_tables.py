"""Tables: columns guessed and given, lists of captions, bytes and paths, splits, damage."""

import json

import pyarrow
import pytest
from pyarrow.parquet import write_table

from mirante.datasets import ReadOptions, open_dataset, read_pairs
from mirante.datasets._example import samples
from mirante.errors import DataError, UnknownName, UnreadableImage, UsageError

DISCS = samples()


@pytest.fixture
def pictures(tmp_path):
    for one in DISCS:
        (tmp_path / one.name).write_bytes(one.data)
    return tmp_path


def parquet(path, rows, **settings):
    write_table(pyarrow.Table.from_pylist(rows), path, **settings)
    return str(path)


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def texts(address, **options):
    dataset = open_dataset(address, ReadOptions(**options))
    return [[c.text for c in item.captions] for split in dataset.splits for item in dataset.items(split)]


# ---- formats -------------------------------------------------------------------------------------------------------


def test_parquet_with_bytes_is_decoded_lazily_from_its_row_group(tmp_path):
    rows = [{"image": {"bytes": one.data, "path": None}, "caption": one.english, "size": one.size} for one in DISCS]
    items = list(open_dataset(parquet(tmp_path / "a.parquet", rows, row_group_size=4)).items("all"))
    assert [item.picture.id for item in items] == ["0", "1", "2", "3", "4", "5"]
    assert [item.picture.load().width for item in reversed(items)] == [one.size for one in reversed(DISCS)]
    assert [item.picture.metadata for item in items] == [{"size": one.size} for one in DISCS]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_with_any_delimiter_and_a_byte_order_mark(pictures, delimiter):
    lines = [["photo", "legenda"], *[[one.name, f'"{one.portuguese}, ou quase"'] for one in DISCS]]
    text = "\n".join(delimiter.join(line) for line in lines)
    (pictures / "a.csv").write_text(text, encoding="utf-8-sig")
    assert texts(str(pictures / "a.csv")) == [[f"{one.portuguese}, ou quase"] for one in DISCS]


def test_separators_beyond_the_last_column_belong_to_its_text(pictures):
    (pictures / "a.csv").write_text(f"image,caption\n{DISCS[0].name},red, round, and small\n")
    assert texts(str(pictures / "a.csv")) == [["red, round, and small"]]


def test_a_table_written_anew_is_read_anew_and_one_that_is_gone_says_so(tmp_path):
    path = tmp_path / "a.parquet"
    for one in DISCS[:2]:
        address = parquet(path, [{"image": one.data, "text": one.english}])
        picture = next(open_dataset(address).items("all")).picture
        assert picture.load().width == one.size
    path.unlink()
    with pytest.raises(UnreadableImage) as caught:
        picture.load()
    assert caught.value.reason == "no-access"


def test_neighbouring_rows_of_one_path_are_captions_of_one_picture(pictures):
    rows = [f"{one.name},{text}" for one in DISCS[:2] for text in (one.english, one.portuguese)]
    (pictures / "captions.csv").write_text("\n".join(["image,caption", *rows]))
    assert texts(str(pictures / "captions.csv")) == [[one.english, one.portuguese] for one in DISCS[:2]]


def test_a_json_list_is_a_table(pictures):
    (pictures / "a.json").write_text(json.dumps([{"image": one.name, "text": one.english} for one in DISCS]))
    assert texts(str(pictures / "a.json")) == [[one.english] for one in DISCS]


def test_a_folder_of_parquet_files_has_their_splits(tmp_path):
    (tmp_path / "data").mkdir()
    for number, name in enumerate(["train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"]):
        one = DISCS[number]
        parquet(tmp_path / "data" / f"{name}.parquet", [{"image": one.data, "text": one.english}])
    dataset = open_dataset(str(tmp_path))
    assert dataset.splits == ("train", "test")
    assert [item.picture.id for item in dataset.items("train")] == ["train/0", "train/1"]
    assert [item.picture.id for item in dataset.items("test")] == ["test/0"]


def test_a_pattern_names_several_files_and_a_missing_one_is_named(tmp_path):
    for number in range(3):
        parquet(tmp_path / f"part-{number}.parquet", [{"image": DISCS[number].data, "text": DISCS[number].english}])
    assert len(texts(f"{tmp_path}/part-*.parquet")) == 3
    assert len(texts(f"{tmp_path}/part-{{0,2}}.parquet")) == 2
    with pytest.raises(UsageError, match=r"part-3\.parquet"):
        open_dataset(f"{tmp_path}/part-{{0..3}}.parquet")


# ---- captions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        ["um gato", "", "a cat "],
        "['um gato', 'a cat']",
        '["um gato", "a cat"]',
        "['um gato' 'a cat']",
        "['um gato'\n \"a cat\"]",
        [{"raw": "um gato", "tokens": ["um", "gato"]}, {"raw": "a cat", "tokens": ["a", "cat"]}],
        {"raw": ["um gato", "a cat"], "tokens": [["um", "gato"], ["a", "cat"]]},
        {"pt": "um gato", "en": {"caption": ["a cat"]}},
    ],
)
def test_a_list_is_several_captions_however_it_is_written(pictures, cell):
    address = jsonl(pictures / "a.jsonl", [{"image": DISCS[0].name, "caption": cell}])
    assert texts(address) == [["um gato", "a cat"]]


@pytest.mark.parametrize("text", ["[untitled]", "[1, 2]", "a [red] disc", "[a, b", "['a'] and ['b']"])
def test_text_in_brackets_that_is_no_list_stays(pictures, text):
    address = jsonl(pictures / "a.jsonl", [{"image": DISCS[0].name, "caption": text}])
    assert texts(address, text_column="caption") == [[text]]


def test_numbered_columns_are_several_captions(pictures):
    rows = [{"image": DISCS[0].name, "caption_0": "a red disc", "caption_1": "a round red thing"}]
    assert texts(jsonl(pictures / "a.jsonl", rows)) == [["a red disc", "a round red thing"]]


def test_a_language_in_the_column_name_or_in_its_own_column(pictures):
    named = jsonl(pictures / "a.jsonl", [{"image": DISCS[0].name, "caption_en": "a disc", "caption_pt_br": "um disco"}])
    rowwise = jsonl(
        pictures / "b.jsonl",
        [
            {"image": DISCS[0].name, "caption": "a disc", "lang": "en"},
            {"image": DISCS[1].name, "caption": "um disco", "lang": "pt_BR"},
        ],
    )
    for address in (named, rowwise):
        found = [c for item in open_dataset(address).items("all", "pt") for c in item.captions]
        assert [(c.text, c.language) for c in found] == [("um disco", "pt-BR")]


# ---- columns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "image", "text"),
    [
        ({"image": DISCS[0].data, "caption": "a red disc", "filename": "x.png"}, "image", "caption"),
        ({"foto": DISCS[0].name, "legenda": "um disco vermelho"}, "foto", "legenda"),
        ({"x": DISCS[0].name, "y": "a disc painted red", "z": "4f2a9c"}, "x", "y"),
        ({"file_name": DISCS[0].name, "title": "Red disc", "description": "a red disc"}, "file_name", "description"),
        ({"url": "http://x.org/a.jpg", "path": DISCS[0].name, "alt": "a red disc"}, "path", "alt"),
        ({"img_id": 4, "sentids": [1, 2], "image": DISCS[0].data, "raw": "['a disc', 'a dot']"}, "image", "raw"),
        ({"photo": DISCS[0].data, "id": "a1", "split": "train"}, "photo", None),
    ],
)
def test_columns_are_guessed(pictures, row, image, text):
    address = parquet(pictures / "a.parquet", [row])
    expected = {"image": image, "text": text} if text else {"image": image}
    assert open_dataset(address).columns == expected


def test_columns_can_be_given_and_an_unknown_one_is_refused(pictures):
    rows = [{"a": DISCS[0].name, "b": DISCS[1].name, "c": "one text", "d": "another text"}]
    address = jsonl(pictures / "a.jsonl", rows)
    chosen = open_dataset(address, ReadOptions(image_column="b", text_column="c,d"))
    assert chosen.columns == {"image": "b", "text": "c,d"}
    with pytest.raises(UnknownName) as caught:
        open_dataset(address, ReadOptions(text_column="cc"))
    assert (caught.value.kind, caught.value.valid) == ("column", ("a", "b", "c", "d"))


def test_no_column_of_pictures_is_one_message(tmp_path):
    with pytest.raises(UsageError, match="--image-column"):
        open_dataset(jsonl(tmp_path / "a.jsonl", [{"text": "only words here"}]))


# ---- what is missing or damaged ------------------------------------------------------------------------------------


def test_rows_never_shift(pictures):
    rows = [
        {"image": {"bytes": DISCS[0].data, "path": None}, "caption": "first"},
        {"image": {"bytes": b"", "path": None}, "caption": "empty"},
        {"image": None, "caption": "null"},
        {"image": {"bytes": None, "path": "gone.png"}, "caption": "gone"},
        {"image": {"bytes": DISCS[1].data[:60], "path": None}, "caption": "cut"},
        {"image": {"bytes": None, "path": "https://x.org/a.png"}, "caption": "far"},
        {"image": {"bytes": DISCS[2].data, "path": None}, "caption": "last"},
    ]
    outcomes = []
    for item in open_dataset(parquet(pictures / "a.parquet", rows)).items("all"):
        try:
            outcomes.append((item.captions[0].text, item.picture.load().width))
        except UnreadableImage as error:
            outcomes.append((item.captions[0].text, error.reason))
    assert outcomes == [
        ("first", DISCS[0].size),
        ("empty", "empty"),
        ("null", "missing"),
        ("gone", "missing"),
        ("cut", "truncated"),
        ("far", "remote"),
        ("last", DISCS[2].size),
    ]
    assert len(read_pairs(open_dataset(str(pictures / "a.parquet"))).images) == 7


def test_the_image_root_is_found_or_given(pictures, tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    address = jsonl(folder / "a.jsonl", [{"image": DISCS[0].name, "caption": "a disc"}])
    assert next(open_dataset(address).items("all")).picture.load().width == DISCS[0].size
    deep = folder / "deep"
    deep.mkdir()
    address = jsonl(deep / "a.jsonl", [{"image": DISCS[0].name, "caption": "a disc"}])
    with pytest.raises(UsageError, match="--image-root"):
        open_dataset(address)
    given = open_dataset(address, ReadOptions(image_root=str(pictures)))
    assert next(given.items("all")).picture.load().width == DISCS[0].size


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b"PAR1 not really"),
        ("a.jsonl", b'{"image": "x.png"\n'),
        ("a.jsonl", b"[1]\n"),
        ("a.csv", b"image,caption\nx.png,\xff\xfe\xfa\n"),
        ("a.csv", b""),
    ],
)
def test_a_damaged_table_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        open_dataset(str(tmp_path / name))
