"""Pages that scripts write in two languages: no text of the code without its Portuguese, none left over."""

from pathlib import Path

import pytest

import _translated
from _pages import paragraph
from _translated import Generated, Say, Translations

ABOUT = "Keeps `depth`\n    answers."
FLAT = "Keeps `depth` answers."
GOOD = f'"{FLAT}" = "Guarda `depth` respostas."\n"Limits" = "Limites"\n'


def page(lang: str, say: Say) -> str:
    return f"# {say('Limits', lang)}\n\n{say(ABOUT, lang)}\n"


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generated:
    monkeypatch.setattr(_translated, "TABLES", tmp_path)
    return Generated({"en": tmp_path / "x.md", "pt": tmp_path / "x.pt-BR.md"}, page, Path("scripts/x_page.py"))


def translations(folder: Path, text: str) -> None:
    (folder / "x_page.pt-BR.toml").write_text(text, encoding="utf-8")


def test_a_text_is_found_whatever_its_line_breaks(generated: Generated, tmp_path: Path) -> None:
    translations(tmp_path, GOOD)
    assert generated.main("", []) == 0
    assert (tmp_path / "x.md").read_text(encoding="utf-8") == f"# Limits\n\n{FLAT}\n"
    assert (tmp_path / "x.pt-BR.md").read_text(encoding="utf-8") == "# Limites\n\nGuarda `depth` respostas.\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"Limits" = "Limites"\n', f'lacks these texts: add them, translated.\n"{FLAT}" = ""'),
        (GOOD + '"Gone." = "Foi-se."\n', "translates texts that the code does not have: take them out.\n  Gone."),
        (GOOD.replace("`depth` respostas", "respostas"), f"other code between backticks.*\n  {FLAT}"),
    ],
)
@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_file_that_does_not_fit_the_code_is_refused(
    generated: Generated, tmp_path: Path, text: str, message: str, arguments: list[str]
) -> None:
    translations(tmp_path, text)
    with pytest.raises(SystemExit, match=message):
        generated.main("", arguments)
    assert not (tmp_path / "x.md").exists()


def test_a_stale_page_is_named_and_left_alone_by_check(
    generated: Generated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    translations(tmp_path, GOOD)
    generated.main("", [])
    (tmp_path / "x.pt-BR.md").write_text("# Limites\n", encoding="utf-8")
    assert generated.main("", ["--check"]) == 1
    told = capsys.readouterr().err
    assert "x.pt-BR.md" in told
    assert "x.md" not in told
    assert (tmp_path / "x.pt-BR.md").read_text(encoding="utf-8") == "# Limites\n"


def test_english_needs_no_translation() -> None:
    none = Translations({}, "none.toml")
    assert none.say("A  text.", "en") == "A text."
    assert none.errors() == []


def test_paragraphs_keep_to_the_width_of_a_page() -> None:
    lines = paragraph("palavra " * 100).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 120
