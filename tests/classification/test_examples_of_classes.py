"""Pictures with labels: equal ones embed once and count each, unreadable ones are named, unlabelled ones counted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from classified_colours import squares

from mirante import encoders
from mirante.classification import Examples, Label, ZeroShot, embed_examples
from mirante.classification.contest import compare, told
from mirante.datasets import open_dataset
from mirante.errors import DataError, UnknownName

TOY = encoders.load("toy")
COLOURS = (Label("blue", "azul"), Label("green", "verde"), Label("red", "vermelho"))


def test_class_folders_label_their_pictures(tmp_path: Path) -> None:
    squares(tmp_path, "red/a.png", "blue/b.png")
    (tmp_path / "blue" / "twin.png").write_bytes((tmp_path / "red" / "a.png").read_bytes())
    (tmp_path / "red" / "cut.png").write_bytes((tmp_path / "red" / "a.png").read_bytes()[:45])
    found = embed_examples(open_dataset(str(tmp_path)), TOY, column="class")
    assert dict(zip(found.ids, found.labels, strict=True)) == {
        "blue/b.png": "blue",
        "blue/twin.png": "blue",
        "red/a.png": "red",
    }
    assert found.rows.argmax(axis=1).tolist() == [4, 0, 0]
    assert found.contents[1] == found.contents[2] != found.contents[0]
    assert len(found.distinct()) == 2
    assert found.unreadable == {"red/cut.png": "truncated"}
    assert found.paths[0] == str(tmp_path / "blue" / "b.png")


def test_a_column_of_a_table_labels_and_rows_without_are_counted(tmp_path: Path) -> None:
    squares(tmp_path, "red.png", "blue.png", "green.png")
    (tmp_path / "metadata.csv").write_text("file_name,caption,tone\nred.png,x,warm\nblue.png,y,cold\ngreen.png,z,\n")
    found = embed_examples(open_dataset(str(tmp_path)), TOY, column="tone")
    assert [label for label in found.labels if label] == ["warm", "cold"]
    by_caption = embed_examples(open_dataset(str(tmp_path)), TOY, column="caption")
    assert by_caption.labels == ("x", "y", "z")


@pytest.mark.parametrize(
    ("address", "column", "read"),
    [("", "class", ["blue"]), (":train", "class", ["red", "green"]), ("", None, ["red", "green", "blue"])],
)
def test_labelled_data_are_judged_on_their_test_split(
    address: str, column: str | None, read: list[str], tmp_path: Path
) -> None:
    squares(tmp_path, "train/red/a.png", "train/green/b.png", "test/blue/c.png")
    found = embed_examples(open_dataset(f"{tmp_path}{address}"), TOY, column=column)
    assert sorted(Path(one).parent.name for one in found.ids) == sorted(read)


def test_a_wrong_column_is_answered_with_the_fields(tmp_path: Path) -> None:
    squares(tmp_path, "red/a.png")
    with pytest.raises(UnknownName, match="Did you mean 'class'"):
        embed_examples(open_dataset(str(tmp_path)), TOY, column="klass")


def test_nothing_that_can_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(DataError, match="No picture"):
        embed_examples(open_dataset(str(tmp_path)), TOY)


def test_scenes_are_labelled_by_what_they_show_and_limited() -> None:
    found = embed_examples(open_dataset("scenes:test-9"), TOY, column="background", limit=5)
    assert len(found.ids) == len([one for one in found.labels if one]) == 5


def examples(*names: str) -> Examples:
    """Exact rows: `red` is a red picture labelled red, `red as blue` one labelled blue."""
    shown = [name.split(" as ") for name in names]
    rows = TOY.encode_texts([one[0] for one in shown])
    ids = tuple(f"{at}" for at in range(len(names)))
    return Examples(ids, rows, ids, tuple(one[-1] for one in shown), (None,) * len(ids))


def test_zero_shot_names_what_it_sees() -> None:
    zero = ZeroShot.of(TOY, COLOURS, ("uma foto de algo {}",))
    outcome = compare(zero, examples("red", "blue", "green", "red as blue"))["zero-shot"]
    assert outcome.figures.metrics["top1"].value == 0.75
    assert outcome.figures.confusions() == [("blue", "red", 1)]
    assert outcome.figures.metrics["calibration_error"].value == pytest.approx(0.25, abs=1e-6), "sure, and wrong once"


def test_equal_pictures_count_as_one_observation() -> None:
    """Two red pictures and two blue ones called red, each fifty times: four observations, not two hundred."""
    zero = ZeroShot.of(TOY, COLOURS, ("{}",))
    many = examples(*["red", "blue", "red as blue", "blue as red"] * 50)
    copies = replace(many, contents=tuple(f"{at % 4}" for at in range(200)))
    wide, narrow = (compare(zero, one)["zero-shot"].figures.metrics["top1"] for one in (copies, many))
    assert wide.value == narrow.value == 0.5
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_each_picture_is_told_its_best_labels() -> None:
    zero = ZeroShot.of(TOY, COLOURS, ("{}",))
    (answer,) = told(zero, examples("red as blue"), most=2)
    assert (answer["label"], answer["truth"]) == ("red", "blue")
    assert [one["label"] for one in answer["labels"]] == ["red", "blue"], "equal ones in the order of the labels"
    assert answer["probability"] == pytest.approx(1)


def test_probes_stand_beside_zero_shot_and_learn_what_texts_do_not_say() -> None:
    """Red pictures are called blue and blue ones red: texts are wrong, who learns is right."""
    swapped = ["red as blue", "blue as red", "green"]
    zero = ZeroShot.of(TOY, COLOURS, ("{}",))
    outcomes = compare(zero, examples(*swapped), examples(*swapped * 10), ("linear", "knn"))
    assert list(outcomes) == ["zero-shot", "linear", "knn"]
    assert [round(one.figures.metrics["top1"].value, 2) for one in outcomes.values()] == [0.33, 1.0, 1.0]
    assert outcomes["linear"].setting is not None
    assert np.allclose(outcomes["knn"].probabilities.sum(axis=1), 1)
