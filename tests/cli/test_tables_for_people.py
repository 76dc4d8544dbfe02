"""A table stays readable where the terminal is narrow, and loses nothing."""

import pytest

from mirante.cli.output import Output

HEAD = ["model", "hit_rate@1", "mrr", "median_rank"]
ROWS = [["runs/portuguese/tuned", "92.6 % [90.1, 94.4]", "95.1 % [93.2, 96.4]", "1 [1, 2]"]]


def printed(capsys: pytest.CaptureFixture[str], head: list[str], rows: list[list[str]]) -> list[str]:
    Output().table(head, rows)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip(" ─")]


def test_a_row_stands_on_one_line_where_there_is_room(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert [line.split() for line in printed(capsys, HEAD, ROWS)] == [HEAD, " ".join(ROWS[0]).split()]


def test_intervals_stand_below_their_figures_where_there_is_less(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "75")
    head, figures, intervals = printed(capsys, HEAD, ROWS)
    assert head.split() == HEAD
    assert figures.split() == ["runs/portuguese/tuned", "92.6", "%", "95.1", "%", "1"]
    assert intervals.split() == ["[90.1,", "94.4]", "[93.2,", "96.4]", "[1,", "2]"]


def test_columns_that_do_not_fit_follow_in_a_table_of_their_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "45")
    lines = printed(capsys, HEAD, ROWS)
    assert [line.split() for line in lines[::3]] == [
        ["model", "hit_rate@1"],
        ["model", "mrr"],
        ["model", "median_rank"],
    ]
    assert max(map(len, lines)) <= 45
    assert [line.split()[0] for line in lines[1::3]] == ["runs/portuguese/tuned"] * 3


def test_every_column_of_names_is_repeated(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "36")
    lines = printed(capsys, ["data", "kind", "text", "group"], [["a", "size", *["92.6 % [90.1, 94.4]"] * 2]])
    assert [line.split()[:2] for line in lines if "%" in line] == [["a", "size"]] * 2


def test_a_long_text_is_wrapped_at_its_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    caption = "a large dotted yellow cat to the right of a small striped red apple"
    lines = printed(capsys, ["id", "score", "captions"], [["test-1", "0.289", caption]])
    assert " ".join(" ".join(lines[1:]).split()) == f"test-1 0.289 {caption}"
    assert len(lines[2]) - len(lines[2].lstrip()) == lines[1].index("a large")


def test_figures_are_written_as_portuguese_does_and_names_are_let_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("MIRANTE_LANG", "pt")
    rows = [["v1.5", "92.6 % [90.1, 94.4]", "1,021", "2.5 l of milk"], ["1.0", "", "3", "7.5"]]
    assert [" ".join(line.split()) for line in printed(capsys, ["a", "b", "c", "d"], rows)[1:]] == [
        "v1.5 92,6 % [90,1; 94,4] 1.021 2.5 l of milk",
        "1.0 3 7.5",
    ]


def test_amounts_within_a_sentence_are_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRANTE_LANG", "pt")
    Output().say("classify.calibration-nothing", absent="92.6 % [90.1, 94.4]", present="3.11.7")
    told = capsys.readouterr().out
    assert "92,6 % [90,1; 94,4]" in told
    assert "3.11.7" in told
