"""Published data sets: what is said of one that is not here, and what is read of one that is."""

import json
import pickle
from pathlib import Path

import pytest

from mirante import registry
from mirante.datasets import (
    ReadOptions,
    about,
    absent,
    describe_absent,
    every_published,
    open_dataset,
    published,
    read_contrasts,
    read_pairs,
    size,
)
from mirante.datasets._example import samples
from mirante.errors import DataError, MissingData, UnknownName, UsageError

DISCS = samples()
NAMES = [one.name for one in every_published()]


def example(name: str, folder: Path) -> str:
    return str(registry.load("mirante.datasets", name).example(folder))


def told(dataset, split: str, language: str | None = None) -> dict[str, list[str]]:
    return {item.picture.id: [one.text for one in item.captions] for item in dataset.items(split, language)}


def test_these_are_known() -> None:
    assert NAMES == [
        "coco", "coco-captions-pt-br", "crossmodal-3600", "deepfashion-multimodal", "flickr30k", "flickr30k-pt-br",
        "flickr8k", "flickr8k-pt-br", "imagenet-r", "occluded-coco", "pokemon", "sugarcrepe", "wikiart", "winoground",
        "xtd-10",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_says_where_it_comes_from(name: str) -> None:
    known = published(name)
    assert known.name == name
    assert known.licence.texts
    assert known.licence.pictures
    assert known.citation
    assert known.homepage.startswith("https://")
    assert {"image", "text"} <= set(known.columns)
    assert known.bytes > 50_000_000
    assert all(one.address.startswith("http") for one in known.downloads)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_has_the_published_columns_and_languages(name: str, tmp_path: Path) -> None:
    dataset = open_dataset(example(name, tmp_path))
    assert dataset.columns == published(name).columns
    languages = {one.language for split in dataset.splits for item in dataset.items(split) for one in item.captions}
    assert languages <= {*published(name).languages, "pt"}  # of XTD-10 only the example has Portuguese


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_here_is_asked_for(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bare name looks in MIRANTE_DATA; the message says what to fetch, how much, under which licence, where to."""
    monkeypatch.setenv("MIRANTE_DATA", str(tmp_path))
    for address in (name, f"{name}:{tmp_path}/elsewhere", f"{name}:test"):
        with pytest.raises(MissingData) as caught:
            open_dataset(address)
        message, known = str(caught.value), published(name)
        folder = tmp_path / ("elsewhere" if "elsewhere" in address else name)
        wanted = [str(folder), known.licence.words("en"), size(known.bytes), *(one.address for one in known.downloads)]
        assert [one for one in wanted if one not in message] == []
        assert caught.value.exit_code == 1


def test_the_bare_name_is_read_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRANTE_DATA", str(tmp_path))
    (tmp_path / "flickr8k").mkdir()
    example("flickr8k", tmp_path / "flickr8k")
    assert open_dataset("flickr8k:test").name == "flickr8k"
    assert told(open_dataset("flickr8k"), "test") == {"104": ["a orange disc"], "105": ["a purple disc"]}


def test_without_the_variable_it_is_below_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIRANTE_DATA", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert published("coco").folder("coco") == tmp_path / "mirante-data" / "coco"


def test_a_folder_of_the_same_name_does_not_hide_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIRANTE_DATA", str(tmp_path / "none"))
    (tmp_path / "wikiart").mkdir()
    (tmp_path / "wikiart" / "a.png").write_bytes(DISCS[0].data)
    with pytest.raises(MissingData):
        open_dataset("wikiart")
    assert len(read_pairs(open_dataset("./wikiart")).images) == 1


def test_a_near_name_is_offered() -> None:
    with pytest.raises(UsageError, match="Did you mean 'crossmodal-3600'"):
        open_dataset("crossmodal3600")


def test_absence_in_words_of_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRANTE_DATA", str(tmp_path))
    with pytest.raises(MissingData) as caught:
        open_dataset("flickr30k-pt-br")
    english, portuguese = (describe_absent(caught.value, lang) for lang in ("en", "pt"))
    assert "To download, 4.3 GB in all:" in english
    assert "A baixar, 4,3 GB ao todo:" in portuguese
    assert "train 29,000; validation 1,014; test 1,000; captions 155,070; pt-BR" in english
    assert "train 29.000; validation 1.014; test 1.000; legendas 155.070; pt-BR" in portuguese
    for said in (english, portuguese):
        assert f"{tmp_path}/flickr30k-pt-br" in said
        assert "https://huggingface.co/datasets/laicsiifes/flickr30k-pt-br" in said
        assert "MIRANTE_DATA" in said
    plain = json.loads(json.dumps(absent(caught.value)))
    assert (plain["schema"], plain["present"], plain["data"]) == (1, False, "flickr30k-pt-br")
    assert plain["folder"] == f"{tmp_path}/flickr30k-pt-br"
    assert plain["published"]["bytes"] == 4_306_000_000


@pytest.mark.parametrize(
    ("count", "written"),
    [(None, "?"), (512, "1 kB"), (37_000_000, "37 MB"), (153_000_000, "0.2 GB"), (20_137_000_000, "20.1 GB")],
)
def test_sizes_are_written_in_powers_of_ten(count: int | None, written: str) -> None:
    assert size(count) == written


def test_lists_without_their_pictures_are_not_enough(tmp_path: Path) -> None:
    address = example("coco", tmp_path)
    (tmp_path / "val2014").rename(tmp_path / "far")
    with pytest.raises(MissingData, match=r"val2014/COCO_val2014_0\.png"):
        open_dataset(address)
    (tmp_path / "root").mkdir()
    (tmp_path / "far").rename(tmp_path / "root/val2014")
    dataset = open_dataset(address, ReadOptions(image_root=str(tmp_path / "root")))
    assert next(dataset.items("train")).picture.load().width == DISCS[0].size
    with pytest.raises(UsageError, match="nowhere"):
        open_dataset(address, ReadOptions(image_root="nowhere"))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("coco", "dataset_coco.json"),
        ("crossmodal-3600", "captions.jsonl"),
        ("sugarcrepe", "data/swap_obj.json"),
        ("occluded-coco", "occluded_coco.json"),
    ],
)
@pytest.mark.parametrize("damage", ["{", "[]", '{"images": 3}', '[["a.jpg"]]'])
def test_a_damaged_list_is_named(name: str, file: str, damage: str, tmp_path: Path) -> None:
    address = example(name, tmp_path)
    (tmp_path / file).write_text(damage)
    with pytest.raises(DataError, match=Path(file).name.replace(".", r"\.")):
        open_dataset(address)


def test_the_translations_are_portuguese_and_each_row_has_all_its_captions(tmp_path: Path) -> None:
    dataset = open_dataset(example("coco-captions-pt-br", tmp_path))
    first = next(dataset.items("test"))
    assert [(one.text, one.language) for one in first.captions] == [
        ("um disco vermelho", "pt-BR"),
        ("um disco", "pt-BR"),
    ]
    assert told(dataset, "test", "en")[first.picture.id] == []


def test_paintings_are_described_by_title_and_style(tmp_path: Path) -> None:
    address = example("wikiart", tmp_path)
    assert next(iter(told(open_dataset(address), "train").values())) == ["Disc 0 / Cubism"]
    other = open_dataset(address, ReadOptions(text_column="title,style,artist"))
    assert next(iter(told(other, "train").values())) == ["Disc 0 / Cubism / a red disc"]
    shared = read_pairs(open_dataset(address)).sharing_equal_captions()
    assert {len(images) for images in shared.relevance.values()} == {2}
    with pytest.raises(UnknownName, match="Did you mean 'title'"):
        open_dataset(address, ReadOptions(text_column="titel"))


def test_empty_fields_of_a_painting_leave_no_stroke(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    rows = [
        {"image": {"bytes": one.data}, "title": title, "style": "Cubism"}
        for one, title in zip(DISCS, (None, "  ", "Untitled"), strict=False)
    ]
    write_table(pyarrow.Table.from_pylist(rows), tmp_path / "train.parquet")
    assert [one for (one,) in told(open_dataset(f"wikiart:{tmp_path}"), "train").values()] == [
        "Cubism",
        "Cubism",
        "Untitled / Cubism",
    ]


def test_xtd_has_one_caption_of_each_language(tmp_path: Path) -> None:
    address = example("xtd-10", tmp_path)
    (tmp_path / "STAIR").mkdir()
    (tmp_path / "STAIR/test_1kcaptions_jp.txt").write_text("\n".join("赤青緑黒橙紫") + "\n", encoding="utf-8")
    dataset = open_dataset(address)
    items = list(dataset.items("test"))
    assert [(one.language, one.text) for one in items[2].captions] == [
        ("en", "a blue disc"), ("ja", "緑"), ("pt", "um disco azul"),
    ]  # fmt: skip
    assert items[2].picture.load().width == DISCS[2].size
    assert dataset.languages_apart


def test_xtd_refuses_a_language_with_a_line_too_few(tmp_path: Path) -> None:
    address = example("xtd-10", tmp_path)
    (tmp_path / "XTD10/test_1kcaptions_en.txt").write_text("one\ntwo\n")
    with pytest.raises(DataError, match=r"test_1kcaptions_en\.txt' has 2 lines"):
        open_dataset(address)


def test_xtds_pictures_may_lie_side_by_side(tmp_path: Path) -> None:
    address = example("xtd-10", tmp_path)
    (tmp_path / "val2014").rename(tmp_path / "flat")
    dataset = open_dataset(address, ReadOptions(image_root=str(tmp_path / "flat")))
    assert [item.picture.load().width for item in dataset.items("test")] == [one.size for one in DISCS]


def test_crossmodal_keeps_every_caption_of_every_language(tmp_path: Path) -> None:
    items = list(open_dataset(example("crossmodal-3600", tmp_path)).items("test"))
    assert [(one.language, one.text) for one in items[1].captions] == [
        ("en", "a green disc"), ("pt", "um disco verde"), ("pt", "um disco verde no branco"),
    ]  # fmt: skip
    assert items[1].picture.metadata == {"image/locale": "pt"}


def test_sugarcrepes_wrong_caption_is_in_the_question_only(tmp_path: Path) -> None:
    dataset = open_dataset(example("sugarcrepe", tmp_path))
    assert dataset.splits == ("replace_att", "swap_obj")
    assert told(dataset, "swap_obj") == {"swap_obj/0": ["a orange disc"], "swap_obj/1": ["a purple disc"]}
    asked = list(read_contrasts(dataset, splits=dataset.splits))
    assert [(one.kind, *(text.text for text in one.texts)) for one in asked][3:5] == [
        ("replace_att", "a black disc", "a blue disc"),
        ("swap_obj", "a orange disc", "a black disc"),
    ]
    assert [len(one.images) for one in asked] == [1] * 6
    assert list(read_contrasts(dataset, splits=dataset.splits, language="pt")) == []


def test_a_row_of_winoground_is_two_pictures_and_one_question(tmp_path: Path) -> None:
    dataset = open_dataset(example("winoground", tmp_path))
    assert list(told(dataset, "test")) == ["0-0", "0-1", "1-0", "1-1", "2-0", "2-1"]
    asked = list(read_contrasts(dataset, splits=("test",)))
    assert [one.kind for one in asked] == ["Relation", "Object", "Object"]
    assert [text.text for text in asked[2].texts] == ["a orange disc", "a purple disc"]
    assert [picture.load().width for picture in asked[2].images] == [DISCS[4].size, DISCS[5].size]


def test_winoground_as_lines_of_json_with_pictures_beside_them(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for side in (0, 1):
        (tmp_path / f"images/ex_0_img_{side}.png").write_bytes(DISCS[side].data)
    row = {
        "id": 0,
        "image_0": "ex_0_img_0",
        "image_1": "ex_0_img_1",
        "caption_0": "a b",
        "caption_1": "b a",
        "collapsed_tag": "Both",
    }
    (tmp_path / "examples.jsonl").write_text(json.dumps(row) + "\n")
    dataset = open_dataset(f"winoground:{tmp_path}")
    assert [item.picture.load().width for item in dataset.items("test")] == [DISCS[0].size, DISCS[1].size]
    (tmp_path / "examples.jsonl").write_text(json.dumps({"id": 0, "image_0": "x"}) + "\n")
    with pytest.raises(DataError, match="caption_0"):
        list(open_dataset(f"winoground:{tmp_path}").items("test"))


def test_questions_are_about_pictures_that_were_read(tmp_path: Path) -> None:
    dataset = open_dataset(example("winoground", tmp_path))
    first_three = read_pairs(dataset, limit=3)
    assert [one.id for one in about(read_contrasts(dataset, splits=("test",)), first_three)] == ["0"]


def test_a_class_name_asks_once_for_all_its_pictures(tmp_path: Path) -> None:
    pairs = read_pairs(open_dataset(example("imagenet-r", tmp_path)))
    assert {one.text: sorted(pairs.relevance[one.id]) for one in pairs.captions} == {
        "warm disc": [f"n00000001/art_{n}.png" for n in (0, 2, 4)],
        "cold disc": [f"n00000002/art_{n}.png" for n in (1, 3, 5)],
    }
    assert len(read_pairs(open_dataset(f"imagenet-r:{tmp_path}"), limit=3).images) == 3


def test_ones_own_names_of_classes_go_first_and_none_may_lack(tmp_path: Path) -> None:
    address = example("imagenet-r", tmp_path)
    (tmp_path / "classes.txt").write_text("n00000001 quente\nn00000002: frio\n")
    assert {one.text for one in read_pairs(open_dataset(address)).captions} == {"quente", "frio"}
    (tmp_path / "classes.txt").write_text("n00000001 quente\n")
    with pytest.raises(DataError, match="n00000002"):
        open_dataset(address)


def test_an_occluded_picture_may_show_several_classes(tmp_path: Path) -> None:
    pairs = read_pairs(open_dataset(example("occluded-coco", tmp_path)))
    right = {one.text: {int(image) for image in pairs.relevance[one.id]} for one in pairs.captions}
    assert right == {"disc": {0, 1, 2, 3}, "ring": {0, 1, 4, 5}}
    assert len(pairs.captions) == 2


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    (tmp_path / "occluded_coco.pkl").write_bytes(pickle.dumps([["a.jpg", "disc"]]))
    with pytest.raises(MissingData, match=r"occluded_coco\.json"):
        open_dataset(f"occluded-coco:{tmp_path}")
