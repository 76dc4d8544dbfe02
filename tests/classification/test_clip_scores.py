"""CLIPScore and RefCLIPScore, by hand and of a data set."""

import json
from pathlib import Path

import numpy as np
import pytest
from classified_colours import squares

from mirante import encoders
from mirante.classification.caption_scores import read_candidates, score_captions
from mirante.classification.clipscore import clip_scores, prefix, ref_clip_scores
from mirante.datasets import open_dataset, read_pairs
from mirante.errors import DataError, UsageError

IMAGES = np.array([[1.0, 0.0]] * 3, np.float32)
CAPTIONS = np.array([[0.6, 0.8], [-1.0, 0.0], [0.0, 1.0]], np.float32)


def test_two_and_a_half_cosines_and_never_below_nought() -> None:
    assert clip_scores(IMAGES, CAPTIONS).tolist() == pytest.approx([1.5, 0.0, 0.0])


def test_the_harmonic_mean_with_the_nearest_reference() -> None:
    """CLIPScore 1.5; references at cosines 0.6 and 1.0, the nearest counts: 2 · 1.5 · 1.0 / 2.5."""
    references = [np.array([[1.0, 0.0], [0.6, 0.8]], np.float32)] * 3
    assert ref_clip_scores(IMAGES, CAPTIONS, references).tolist() == pytest.approx([1.2, 0.0, 0.0])


def test_a_caption_against_its_references_scores_nought() -> None:
    assert ref_clip_scores(IMAGES[:1], CAPTIONS[:1], [-CAPTIONS[:1]]).tolist() == [0.0]


def test_captions_without_picture_or_reference_are_refused() -> None:
    with pytest.raises(UsageError, match="differ"):
        clip_scores(IMAGES[:2], CAPTIONS)
    with pytest.raises(UsageError, match="3 captions and 1 sets of references"):
        ref_clip_scores(IMAGES, CAPTIONS, [CAPTIONS, CAPTIONS[:0], CAPTIONS[:0]])


def test_the_prefix_follows_the_language() -> None:
    assert (prefix(""), prefix("en"), prefix("pt-BR")) == ("A photo depicts ", "A photo depicts ", "Uma foto mostra ")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    squares(tmp_path, "red.png", "blue.png")
    (tmp_path / "red.txt").write_text("a red square\nred and green\n")
    (tmp_path / "blue.txt").write_text("a red square\n")
    return tmp_path


def test_captions_of_a_data_set(pictures: Path) -> None:
    """Red: cosines 1 and √½; blue: 0. The two of red are each other's reference, at cosine √½; blue's has none."""
    found = score_captions(read_pairs(open_dataset(str(pictures))), encoders.load("toy"))
    half = 0.5**0.5
    assert (found.captions, found.pictures, found.referenced) == (3, 2, 2)
    assert found.clip_score.value == pytest.approx(2.5 * (1 + half + 0) / 3)
    assert found.clip_score.low < found.clip_score.value < found.clip_score.high
    near = [2 * 2.5 * half / (2.5 + half), 2 * 2.5 * half * half / (2.5 * half + half)]
    assert found.ref_clip_score is not None
    assert found.ref_clip_score.value == pytest.approx(sum(near) / 2)


def test_captions_that_somebody_wrote(pictures: Path, tmp_path: Path) -> None:
    file = tmp_path / "written.jsonl"
    rows = [{"id": "blue.png", "caption": "blue"}, {"id": "gone.png", "caption": "a cat"}]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n")
    pairs, toy = read_pairs(open_dataset(str(pictures))), encoders.load("toy")
    found = score_captions(pairs, toy, candidates=read_candidates(file))
    assert (found.captions, found.unknown) == (1, 1)
    assert found.clip_score.value == pytest.approx(2.5)
    assert found.ref_clip_score is not None
    assert found.ref_clip_score.value == 0, "the only reference speaks of red"


def test_the_prefix_reaches_the_model(pictures: Path) -> None:
    pairs, toy = read_pairs(open_dataset(str(pictures))), encoders.load("toy")
    assert score_captions(pairs, toy, put_before="green ").clip_score.value < 2.5 * (1 + 0.5**0.5) / 3 - 0.1


def test_lines_of_another_form_are_named(tmp_path: Path) -> None:
    file = tmp_path / "written.jsonl"
    file.write_text('{"id": "a", "caption": "b"}\n{"id": "c"}\n')
    with pytest.raises(UsageError, match="Line 2 of"):
        read_candidates(file)


def test_no_picture_no_score(pictures: Path) -> None:
    with pytest.raises(DataError, match="No caption"):
        score_captions(read_pairs(open_dataset(str(pictures))), encoders.load("toy"), candidates={"gone.png": "a cat"})
