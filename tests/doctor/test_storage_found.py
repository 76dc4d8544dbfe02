"""Where caches are by the documented variables, how large, and how much room is left."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mirante.doctor import storage


def test_caches_follow_the_documented_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ana"))
    assert storage.caches({}) == {
        "hub": Path("/home/ana/.cache/huggingface/hub"),
        "datasets": Path("/home/ana/.cache/huggingface/datasets"),
        "torch": Path("/home/ana/.cache/torch"),
    }
    assert storage.caches({"XDG_CACHE_HOME": "/c"})["hub"] == Path("/c/huggingface/hub")
    moved = storage.caches({"HF_HOME": "/hf", "HF_HUB_CACHE": "/models", "TORCH_HOME": "/torch"})
    assert moved == {"hub": Path("/models"), "datasets": Path("/hf/datasets"), "torch": Path("/torch")}


def test_a_file_of_the_hub_counts_once(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshots" / "main").mkdir(parents=True)
    (tmp_path / "blobs" / "abc").write_bytes(b"x" * 1000)
    link = tmp_path / "snapshots" / "main" / "model.safetensors"
    link.symlink_to(tmp_path / "blobs" / "abc")
    assert storage.size(tmp_path) == 1000 + len(str(tmp_path / "blobs" / "abc"))
    assert storage.size(tmp_path / "nowhere") == 0


def test_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    assert storage.nearest(tmp_path / "a" / "b") == tmp_path
    assert storage.nearest(tmp_path) == tmp_path


def look(monkeypatch: pytest.MonkeyPatch, home: Path, free: float) -> dict[str, list[str]]:
    """Key → levels, with that cache and so many GB free."""
    for name in ("HF_HUB_CACHE", "HF_DATASETS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("TORCH_HOME", str(home / "torch"))
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda path: SimpleNamespace(free=free * 1e9))
    found: dict[str, list[str]] = {}
    for one in storage.look():
        found.setdefault(one.key.partition(".")[2], []).append(one.level)
        assert str(one.values["path"]) in one.words("pt")
    return found


@pytest.mark.parametrize(
    ("free", "key", "level"), [(50.0, "disk", "ok"), (9.9, "disk-low", "warn"), (0.9, "disk-low", "wrong")]
)
def test_room_on_the_disk(free: float, key: str, level: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    found = look(monkeypatch, tmp_path, free)
    assert (found["cache"], found["cache-empty"]) == (["ok"], ["ok", "ok"])
    assert set(found[key]) == {level}


def test_one_disk_is_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage.tempfile, "gettempdir", lambda: str(tmp_path))
    assert look(monkeypatch, tmp_path, 50.0)["disk"] == ["ok"]


def test_a_cache_that_cannot_be_written_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(storage.os, "access", lambda path, mode: False)
    assert look(monkeypatch, tmp_path, 50.0)["cache-refused"] == ["wrong"] * 3
