"""Environment variables: what matters is told, secrets never are."""

from pathlib import Path

import pytest

from mirante.doctor import variables
from mirante.doctor.findings import Finding

SECRET = "hf_abcdefSECRET"


def look(tmp_path: Path, **environment: str) -> list[Finding]:
    return list(variables.look({"HF_HOME": str(tmp_path), **environment}))


def keys(found: list[Finding]) -> dict[str, str]:
    return {one.key.partition(".")[2]: one.level for one in found}


def test_a_clean_environment(tmp_path: Path) -> None:
    found = look(tmp_path)
    assert keys(found) == {"token-none": "ok", "variable": "ok"}
    assert found[1].words("en") == f"HF_HOME = {tmp_path}"


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN",
        "HUGGING_FACE_HUB_TOKEN",
        "HF_ENDPOINT",
        "HTTPS_PROXY",
        "https_proxy",
        "MIRANTE_POSTGRES_URI",
        "MIRANTE_MILVUS_URI",
    ],
)
def test_a_secret_is_never_shown(name: str, tmp_path: Path) -> None:
    found = look(tmp_path, **{name: f"http://ana:{SECRET}@example.org"})
    shown = " ".join(f"{one.words('en')} {one.words('pt')} {dict(one.values)}" for one in found)
    assert "SECRET" not in shown
    assert "ana" not in shown.replace(str(tmp_path), "")
    assert ("token" if "TOKEN" in name else "variable-private") in keys(found)


def test_the_file_of_a_login_is_a_token_too(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(SECRET)
    found = look(tmp_path)
    assert keys(found)["token"] == "ok"
    assert all(SECRET not in one.words("en") for one in found)


@pytest.mark.parametrize(("value", "told"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_offline_is_told(value: str, told: bool, tmp_path: Path) -> None:
    assert (keys(look(tmp_path, HF_HUB_OFFLINE=value)).get("offline") == "warn") is told


def test_a_folder_that_cannot_be_written_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(variables.os, "access", lambda path, mode: False)
    assert keys(look(tmp_path))["folder-refused"] == "wrong"


@pytest.mark.parametrize(("value", "key", "level"), [("pt_BR", "variable", "ok"), ("de", "language-unknown", "warn")])
def test_the_language(value: str, key: str, level: str, tmp_path: Path) -> None:
    found = look(tmp_path, MIRANTE_LANG=value)
    assert (found[-1].key, found[-1].level) == (f"doctor.{key}", level)
    assert value in found[-1].words("en")
