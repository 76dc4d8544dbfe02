"""Hugging Face data sets saved on disk, loaded from a local folder, streamed; and a hub that is not there."""

from types import SimpleNamespace

import pytest

from mirante.datasets import ReadOptions, open_dataset
from mirante.datasets._example import samples
from mirante.errors import DataError, UnreadableImage, UsageError

datasets = pytest.importorskip("datasets")
DISCS = samples()
PLAIN = datasets.Image(decode=False)


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def features():
    kinds = {"photo": datasets.Image(), "captions": datasets.List(datasets.Value("string"))}
    return datasets.Features({**kinds, "style": datasets.ClassLabel(names=["flat", "round"])})


def table(rows=DISCS):
    found = [
        {"photo": {"bytes": one.data, "path": None}, "captions": [one.english, one.portuguese], "style": 1}
        for one in rows
    ]
    return datasets.Dataset.from_list(found, features=features())


def test_one_saved_table_without_splits(tmp_path):
    table().save_to_disk(tmp_path / "saved")
    for address in (f"hf:{tmp_path}/saved", f"{tmp_path}/saved"):
        dataset = open_dataset(address)
        assert dataset.columns == {"image": "photo", "text": "captions"}
        items = list(dataset.items("all"))
        assert [item.picture.id for item in items] == [f"all/{n}" for n in range(6)]
        assert [item.picture.load().width for item in reversed(items)] == [one.size for one in reversed(DISCS)]
        assert [c.text for c in items[0].captions] == [DISCS[0].english, DISCS[0].portuguese]
        assert items[0].picture.metadata == {"style": "round"}


@pytest.mark.parametrize("streaming", [False, True])
def test_a_local_folder_of_parquet_through_the_library(tmp_path, streaming):
    (tmp_path / "set/data").mkdir(parents=True)
    table(DISCS[:4]).to_parquet(tmp_path / "set/data/train-00000-of-00001.parquet")
    table(DISCS[4:]).to_parquet(tmp_path / "set/data/test-00000-of-00001.parquet")
    dataset = open_dataset(f"hf:{tmp_path}/set:test", ReadOptions(streaming=streaming))
    assert dataset.splits == ("test",)
    items = list(dataset.items("test"))
    assert [item.picture.id for item in items] == ["test/0", "test/1"]
    assert [item.picture.load().width for item in items] == [one.size for one in DISCS[4:]]
    plain = list(open_dataset(f"{tmp_path}/set").items("test"))
    assert [item.picture.content for item in plain] == [item.picture.content for item in items]


def test_damaged_and_missing_pictures_keep_their_rows(tmp_path):
    rows = [{"bytes": b"nonsense", "path": None}, None, {"bytes": DISCS[0].data, "path": None}]
    found = [{"image": one, "text": f"row number {n}"} for n, one in enumerate(rows)]
    kinds = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    datasets.Dataset.from_list(found, features=kinds).save_to_disk(tmp_path / "saved")
    outcomes = []
    for item in open_dataset(f"hf:{tmp_path}/saved").items("all"):
        try:
            outcomes.append((item.captions[0].text, item.picture.load().width))
        except UnreadableImage as error:
            outcomes.append((item.captions[0].text, error.reason))
    assert outcomes == [("row number 0", "not-an-image"), ("row number 1", "missing"), ("row number 2", DISCS[0].size)]


def test_class_names_are_captions_of_last_resort(tmp_path):
    table().remove_columns("captions").save_to_disk(tmp_path / "saved")
    dataset = open_dataset(f"hf:{tmp_path}/saved")
    assert dataset.columns == {"image": "photo", "text": "style"}
    assert next(dataset.items("all")).captions[0].text == "round"


def test_a_hub_out_of_reach_and_an_unknown_name_are_one_message(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"nobody/nothing.*owner/name") as caught:
        open_dataset("hf:nobody/nothing@main:train")
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="owner/name"):
        open_dataset("hf:")


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("hf:owner/name", ("owner/name", None, None)),
        ("hf:owner/name@v1:all", ("owner/name", None, "v1")),
        ("hf:owner/name/subset@v1", ("owner/name", "subset", "v1")),
        ("hf:mnist", ("mnist", None, None)),
    ],
)
def test_the_revision_is_the_commit_that_a_name_stands_for(monkeypatch, address, asked):
    calls = []

    def info(self, repository, revision=None):
        calls.append((repository, revision))
        return SimpleNamespace(sha="c0ffee" * 6 + "abcd")

    def load(repository, config, *, revision, streaming):
        calls.append((repository, config, revision, streaming))
        return table()

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", info)
    monkeypatch.setattr(datasets, "load_dataset", load)
    name, config, revision = asked
    assert open_dataset(address).revision == "c0ffee" * 6 + "abcd"
    assert calls == [(name, revision), (name, config, "c0ffee" * 6 + "abcd", False)]


def test_rows_that_stop_coming_are_one_error(monkeypatch):
    class Broken:
        features = features()
        info = SimpleNamespace(download_checksums=None, version="0")

        def __iter__(self):
            yield from ({**row, "captions": ["a disc"]} for row in table().cast_column("photo", PLAIN))
            raise ConnectionError("lost")

        def cast_column(self, name, kind):
            return self

    monkeypatch.setattr("mirante.datasets.hf.SAMPLE", 3)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *a, **k: SimpleNamespace(sha="x"))
    monkeypatch.setattr(datasets, "load_dataset", lambda *a, **k: Broken())
    rows = open_dataset("hf:owner/name", ReadOptions(streaming=True)).items("all")
    assert [next(rows).picture.id for _ in range(6)] == [f"all/{n}" for n in range(6)]
    with pytest.raises(DataError, match="lost"):
        next(rows)
