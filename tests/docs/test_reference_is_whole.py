"""The generated reference: current, and nothing of the code is missing in either language."""

import ast
import contextlib
import inspect
import io
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

import mirante
from mirante import errors, indexes, losses, registry
from mirante.advice import rules
from mirante.captioning.shapes import NewDecoder
from mirante.cost import gpus
from mirante.evaluation.presets import Preset
from mirante.generation import Template
from mirante.rerankers._guiding import Guiding
from mirante.service import settings
from mirante.training import config

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
LANGUAGES = {"en": ".md", "pt": ".pt-BR.md"}

SECTIONS = [
    (1, "", config.TrainConfig),
    (1, "[model]", config.Model),
    (1, "[model.new]", config.NewModel),
    (1, "[data]", config.Data),
    (1, "[trained]", config.Trained),
    (1, "[trained.lora]", config.Lora),
    (1, "[elip]", config.Elip),
    (1, "[elip.guide]", Guiding),
    (1, "[caption]", config.Caption),
    (1, "[caption.decoder]", NewDecoder),
    (1, "[hard]", config.Hard),
    (1, "[memory]", config.Memory),
    (1, "[[losses]]", config.LossTerm),
    (2, "", settings.ServiceConfig),
    (2, "[[keys]]", settings.Key),
    (2, "[limits]", settings.Limits),
    (3, "", Template),
    (4, "", gpus.Table),
    (4, "[[gpu]]", gpus.Gpu),
    (5, "", Preset),
    (6, "", rules.Table),
    (6, "[[rules]]", rules.Rule),
    (6, "[rules.lead]", rules.Bounds),
]
FAMILIES = (
    "datasets",
    "encoders",
    "generation",
    "imagine.parametrisations",
    "indexes",
    "losses",
    "rerankers",
    "runtimes",
)
EXTRAS = {
    "encoders/clip.py": "torch",
    "encoders/openclip.py": "openclip",
    "encoders/sentence_transformers.py": "sentence",
    "encoders/toy.py": "",
    "datasets/hf.py": "hf",
    "datasets/scenes/__init__.py": "",
    "indexes/exact.py": "",
    "indexes/faiss.py": "faiss",
    "indexes/milvus.py": "milvus",
    "indexes/pgvector.py": "pgvector",
    "losses/infonce.py": "train",
    "generation/openai.py": "",
    "generation/transformers.py": "torch",
    "runtimes/onnx.py": "onnx",
    "runtimes/openvino.py": "openvino",
    "imagine/parametrisations/vqgan.py": "imagine",
}


def written(name: str, lang: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}{LANGUAGES[lang]}").read_text(encoding="utf-8")


def parts(text: str, marks: str) -> dict[str, str]:
    """Heading → what stands below it, of headings of one level."""
    pieces = re.split(rf"^{marks} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def rows(text: str) -> dict[str, str]:
    """First cell → line, of every table row that begins with code."""
    return {match[1]: match[0] for match in re.finditer(r"^\| `([^`]+)`.*$", text, re.MULTILINE)}


@pytest.mark.parametrize("script", ["config_page", "python_page", "components_page"])
def test_the_pages_are_current(script: str) -> None:
    generated = import_module(script).GENERATED
    for lang, made in generated.made().items():
        assert generated.pages[lang].read_text(encoding="utf-8") == made, f"run scripts/{script}.py"


@pytest.mark.parametrize("name", ["configuration", "python", "components"])
def test_both_languages_have_the_same_code_in_the_same_order(name: str) -> None:
    english, portuguese = (written(name, lang) for lang in LANGUAGES)
    assert re.findall(r"^#+ ", english, re.MULTILINE) == re.findall(r"^#+ ", portuguese, re.MULTILINE)
    assert re.findall(r"```.*?```", english, re.DOTALL) == re.findall(r"```.*?```", portuguese, re.DOTALL)
    assert [*rows(english)] == [*rows(portuguese)]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("file", "path", "kind"), SECTIONS)
def test_every_key_stands_in_its_section_with_its_default(lang: str, file: int, path: str, kind: type) -> None:
    part = list(parts(written("configuration", lang), "##").values())[file - 1]
    sections = parts(part, "###")
    (section,) = [text for title, text in sections.items() if (f"`{path}`" in title if path else "`" not in title)]
    found = {re.split(r"\.", name.strip("[]"))[-1]: line for name, line in rows(section).items()}
    assert [*found] == [one.name for one in fields(kind)]
    for one in fields(kind):
        if isinstance(one.default, (bool, str)):
            assert f"| `{json.dumps(one.default)}` |" in found[one.name]
        elif isinstance(one.default, int):
            assert f"| `{one.default}` |" in found[one.name].replace("_000", "000")
        elif one.default is MISSING and one.default_factory is MISSING:
            assert f"| {'required' if lang == 'en' else 'obrigatória'} |" in found[one.name]


def test_every_configuration_that_a_file_is_read_into_has_its_part() -> None:
    """A new call of `config.read`, or a new section of a training file, wants a line in SECTIONS above."""
    found = {name for path in SRC.rglob("*.py") for name in read_into(path)}
    assert found == {"TrainConfig", "ServiceConfig", "Template", "Preset", "Table"}
    assert found <= {kind.__name__ for _, _, kind in SECTIONS}
    of_training = {one for one in vars(config).values() if inspect.isclass(one) and is_dataclass(one)}
    assert of_training <= {kind for _, _, kind in SECTIONS}


def read_into(path: Path) -> Iterator[str]:
    """Names of the classes that `mirante.config.read` makes in a module: `read(path, Class)`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("read") and len(node.args) == 2:
            kind = ast.unparse(node.args[1])
            if kind[:1].isupper() and len(kind) > 1:
                yield kind


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_public_name_and_member_is_told(lang: str) -> None:
    sections = parts(written("python", lang), "##")
    for name in mirante.__all__:
        text, thing = sections[f"`{name}`"], getattr(mirante, name)
        signature = text.split("```")[1]
        assert signature.startswith(f"python\n{name}(")
        for argument in arguments(thing):
            assert re.search(rf"\b{argument}\b", signature), (name, argument)
        for member, value in vars(thing).items() if inspect.isclass(thing) else ():
            if member.startswith("_") or member == "exit_code" or not hasattr(value, "__doc__"):
                continue
            if is_dataclass(thing) and member in {one.name for one in fields(thing)}:
                continue
            assert f"### `{name}.{member}`" in text or f"| `{member}` |" in text, f"{name}.{member}"


def arguments(thing: object) -> list[str]:
    try:
        return [name for name in inspect.signature(thing).parameters if name not in ("args", "kwargs")]  # type: ignore[arg-type]
    except ValueError:  # an exception class has none
        return []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_error_is_told_with_its_exit_code(lang: str) -> None:
    told = rows(parts(written("python", lang), "##")["`MiranteError`"])
    known = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, errors.MiranteError)]
    assert len(known) > 10
    for one in known:
        if one is not errors.MiranteError:
            bases = ", ".join(f"`{base.__name__}`" for base in one.__bases__)
            assert f"| {bases} | {one.exit_code} |" in told[one.__name__]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_example_prints_what_the_page_says(lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = parts(written("python", lang), "##")["Example" if lang == "en" else "Exemplo"]
    code, expected = re.findall(r"```(?:python|text)\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "python.md", "exec"), {})
    assert printed.getvalue() == expected


def components() -> Iterator[tuple[str, str, str]]:
    """Family, name and file below `src/mirante` of every component."""
    for family in FAMILIES:
        for name in registry.names(f"mirante.{family}"):
            place = SRC / "mirante" / Path(*family.split(".")) / name.replace("-", "_")
            path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            yield family, name, str(path.relative_to(SRC / "mirante"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_component_is_told(lang: str) -> None:
    text = written("components", lang)
    for _, name, path in components():
        assert f"[{name}](../../src/mirante/{path})" in text
    kinds = [*indexes.kinds(), *registry.names("mirante.losses"), *registry.names("mirante.runtimes")]
    for one in kinds:
        assert f"`{one}`" in text, one
    for family, name, _ in components():
        if family == "encoders":
            for model_type in registry.load("mirante.encoders", name).MODEL_TYPES or (name,):
                assert f"`{model_type}`" in text, model_type


def test_every_family_of_the_registry_is_among_these() -> None:
    """A new family wants a line in FAMILIES above."""
    asked = re.compile(r"registry\.(?:names|load)\((\w+|\"[\w.]+\")")
    found = set()
    for path in SRC.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for name in asked.findall(text):
            package = ".".join(path.relative_to(SRC).parent.parts)
            named = re.search(rf"^{name}\s*=\s*\"([\w.]+)\"", text, re.MULTILINE)
            found.add(package if name == "__name__" else named[1] if named else name.strip('"'))
    found = {re.sub(r"^FAMILY$", "mirante.encoders", one) for one in found}
    assert {f"mirante.{family}" for family in FAMILIES} == found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_option_of_a_loss_is_told(lang: str) -> None:
    text = written("components", lang)
    for name in registry.names("mirante.losses"):
        for option in inspect.signature(type(losses.create(name))).parameters:
            assert f"| `{name}` | `{option}` |" in text, (name, option)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("path", "extra"), EXTRAS.items())
def test_what_a_component_needs_is_told(lang: str, path: str, extra: str) -> None:
    (line,) = [one for one in written("components", lang).splitlines() if f"src/mirante/{path})" in one]
    assert line.split(" | ")[-2].strip() == (f"`{extra}`" if extra else "")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert not extra or extra in known


def test_the_written_kinds_are_read_from_the_modules_without_running_them() -> None:
    source = (ROOT / "scripts" / "components_page.py").read_text(encoding="utf-8")
    assert "registry.load" not in ast.unparse(ast.parse(source))
