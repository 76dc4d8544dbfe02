"""The commands that advice ends in, word by word; a shell takes them as they are printed."""

import shlex
from pathlib import Path

from mirante.advice import commands
from mirante.advice.ground import Asked
from mirante.datasets import ReadOptions
from mirante.training.config import Data

ASKED = Asked(
    "my photos.csv",
    ReadOptions(text_column="legenda", language="pt-BR"),
    train="more.csv",
    limit=500,
    retain="scenes:test",
    retain_language="en",
)


def test_measuring() -> None:
    said = commands.measure(Asked("photos"), Path("advice/photos"))
    assert said == "mirante advise photos --model google/siglip2-base-patch16-224 --out advice/photos"


def test_advice_again_and_a_learning_curve_repeat_what_was_asked() -> None:
    common = "--train more.csv --retain scenes:test --retain-lang en --limit 500"
    reading = "--text-column legenda --lang pt-BR"
    assert commands.again(ASKED, ("a/clip", "b"), Path("x")) == (
        f"mirante advise 'my photos.csv' {common} --model a/clip --model b {reading} --out x"
    )
    assert commands.learn(ASKED, "b", Path("x")) == (
        f"mirante advise 'my photos.csv' {common} --model b {reading} --learning-curve --out x"
    )


def test_training_evaluating_and_indexing() -> None:
    assert commands.train(Path("advice/a b/fine-tune.toml")) == "mirante train 'advice/a b/fine-tune.toml'"
    assert commands.evaluate("scenes:test", ("scenes", "x/checkpoint"), "pt-BR", Path("after")) == (
        "mirante evaluate scenes:test --model scenes --model x/checkpoint --lang pt-BR --out after"
    )
    assert commands.index(Asked("photos"), "scenes", Path("x/index")) == (
        "mirante index photos --model scenes --out x/index"
    )


def test_blending() -> None:
    data = Data("s:train", validation="s:test", language="pt-BR", retain="s:test", retain_language="en")
    assert commands.blend("scenes", "x/checkpoint", data, Path("blend")) == (
        "mirante blend scenes x/checkpoint --data s:test --language pt-BR --retain s:test --retain-language en "
        "--out blend"
    )


def test_a_shell_reads_what_was_meant() -> None:
    assert shlex.split(commands.again(ASKED, ("m",), Path("o")))[2] == "my photos.csv"
