"""The examples hold: templates are read, commands exist with their options, questions have answers."""

import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from mirante.asking.questions import read_questions
from mirante.cli import app
from mirante.datasets import open_dataset
from mirante.generation import Asked, Retrieved, read_template
from mirante.generation._prompt import prompt_for

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
FOLDERS = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


def commands(readme: Path) -> list[list[str]]:
    lines = readme.read_text(encoding="utf-8").splitlines()
    return [shlex.split(line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]


def test_each_folder_is_listed() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [one for one in FOLDERS if f"]({one}/README.md)" not in page] == []
    assert FOLDERS == ["art", "fashion", "pokedex", "scenes"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_template_tells_every_field_that_it_names(folder: str) -> None:
    template = read_template(EXAMPLES / folder / "template.toml")
    fields = {"name": "Mew", "type": "psychic", "abilities": "synchronize", "style": "ink", "count": 2}
    item = Retrieved("7", ("caption of it",), fields, relevance=0.5)
    told = prompt_for(Asked("the question", "pt", (item,), template))
    assert "the question" in told.words
    assert "<item id=7>" in told.words
    assert "caption of it" in told.words
    assert template.system in told.system
    if folder == "pokedex":
        assert "Name: Mew\nType: psychic\nAbilities: synchronize\nDescription: caption of it\nMatch: 50 %" in told.words


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_readme_is_short_and_its_commands_exist(folder: str) -> None:
    readme = EXAMPLES / folder / "README.md"
    assert len([line for line in readme.read_text(encoding="utf-8").splitlines() if line.strip()]) <= 12
    asked = commands(readme)
    assert [one for one in asked if one[:2] == ["mirante", "ask"]], "an example ends in a question"
    verbs = get_command(app).commands
    for program, verb, *rest in asked:
        assert program == "mirante"
        options = {flag for option in verbs[verb].params for flag in option.opts}
        assert [one for one in rest if one.startswith("-") and one not in options] == []
        assert [one for one in rest if one.startswith("examples/") and not (EXAMPLES.parent / one).is_file()] == []


def test_the_questions_about_scenes_have_their_answers_in_the_captions() -> None:
    captions = {}
    for at, item in enumerate(open_dataset("scenes:test-200").items("test-200", "en")):
        captions[item.picture.id] = [one.text for one in item.captions]
        if at == 20:
            break
    for one in read_questions(EXAMPLES / "scenes" / "questions.jsonl"):
        (wanted,) = one.ids
        assert any(one.answers[0] in text for text in captions[wanted])
