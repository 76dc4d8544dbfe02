"""`mirante fuse` reads runs of evaluate or of anybody, writes one, and refuses what does not fit in one message."""

import json
from pathlib import Path
from typing import Any

import pytest

from mirante.cli import main
from mirante.evaluation import read_run

FIRST = "q Q0 a 1 0.9 clip\nq Q0 b 2 0.5 clip\nq Q0 c 3 0.4 clip\n"
SECOND = "q Q0 b 1 30 siglip\nq Q0 d 2 20 siglip\nq Q0 a 3 10 siglip\np Q0 a 1 1 siglip\n"


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRANTE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "140")


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first.trec", tmp_path / "second.trec"
    first.write_text(FIRST, encoding="utf-8")
    second.write_text(SECOND, encoding="utf-8")
    return first, second


def ran(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    """What the command line prints on standard output and on standard error."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == code, answer.err
    assert "Traceback" not in answer.err
    return answer.out, answer.err


def test_ranks_are_fused_into_a_trec_file(runs: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    """b 1/62 + 1/61, a 1/61 + 1/63, d 1/62, c 1/63."""
    out = tmp_path / "new" / "fused.trec"
    document = json.loads(ran(capsys, "fuse", *runs, "--out", out, "--json")[0])
    name = "rrf(clip,siglip)"
    lines = [line.split(" ") for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(*line[:4], line[5]) for line in lines] == [
        ("q", "Q0", "b", "1", name),
        ("q", "Q0", "a", "2", name),
        ("q", "Q0", "d", "3", name),
        ("q", "Q0", "c", "4", name),
        ("p", "Q0", "a", "1", name),
    ]
    wanted = [1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 62, 1 / 63, 1 / 61]
    assert [float(line[4]) for line in lines] == pytest.approx(wanted, rel=1e-7)
    assert document == {
        "schema": 1,
        "method": "rrf",
        "k": 60.0,
        "runs": [
            {"path": str(runs[0]), "name": "clip", "queries": 1, "depth": 3},
            {"path": str(runs[1]), "name": "siglip", "queries": 2, "depth": 3},
        ],
        "partly": 1,
        "name": name,
        "queries": 2,
        "depth": 4,
        "out": str(out),
    }


def fused(
    runs: tuple[Path, Path], tmp_path: Path, capsys: Any, *options: str
) -> tuple[dict[str, Any], dict[str, float]]:
    out = tmp_path / "fused.trec"
    document = json.loads(ran(capsys, "fuse", *runs, "--out", out, *options, "--json")[0])
    return document, dict(read_run(out).ranking("q"))


def test_scores_are_fused_with_weights(runs: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    """clip: a 1, b 0.2, c 0; siglip: b 1, d 0.5, a 0."""
    document, found = fused(runs, tmp_path, capsys, "--method", "weighted", "--weights", "0.75,0.25")
    assert found == pytest.approx({"a": 0.75, "b": 0.4, "d": 0.125, "c": 0.0})
    assert (document["weights"], document["scale"], "k" in document) == ([0.75, 0.25], "min-max", False)


def test_weights_are_alike_where_none_are_given(runs: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    document, found = fused(runs, tmp_path, capsys, "--method", "weighted", "--scale", "min-max")
    assert found == pytest.approx({"b": 0.6, "a": 0.5, "d": 0.25, "c": 0.0})
    assert document["weights"] == [0.5, 0.5]


def test_k_and_scale_are_heeded(runs: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    document, found = fused(runs, tmp_path, capsys, "--k", "1")
    assert (document["k"], found["d"]) == (1.0, pytest.approx(1 / 3))
    document, found = fused(runs, tmp_path, capsys, "--method", "weighted", "--weights", "0,1", "--scale", "z")
    assert (document["scale"], found["d"]) == ("z", pytest.approx(0.0))
    assert found["c"] == found["a"] == pytest.approx(-((3 / 2) ** 0.5))


def test_people_read_what_was_fused(runs: tuple[Path, Path], tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    said = ran(capsys, "fuse", *runs, "--out", tmp_path / "f.trec")[0].splitlines()
    assert said == [
        f"Run clip: 1 queries, up to 3 answers each ({runs[0]})",
        f"Run siglip: 2 queries, up to 3 answers each ({runs[1]})",
        "1 queries are not in every run: check that all runs are over the same data.",
        f"Fused by rrf: 2 queries, up to 4 answers each, in {tmp_path / 'f.trec'}",
    ]
    monkeypatch.setenv("MIRANTE_LANG", "pt")
    said = ran(capsys, "fuse", runs[0], runs[0], "--out", tmp_path / "f.trec")[0].splitlines()
    assert said[2:] == [f"Fundido por rrf: 1 consultas, até 3 respostas cada, em {tmp_path / 'f.trec'}"]


def test_runs_of_evaluate_can_be_fused(tmp_path: Path, capsys: Any) -> None:
    results = tmp_path / "results"
    ran(capsys, "evaluate", "scenes:test-6", "--model", "toy", "--out", results, "--json")
    (path,) = (results / "runs").glob("*text_to_image*.trec")
    ran(capsys, "fuse", path, path, "--out", tmp_path / "twice.trec", "--json")
    once, twice = read_run(path), read_run(tmp_path / "twice.trec")
    for query in once.queries:
        assert [one for one, _ in twice.ranking(query)] == [one for one, _ in once.ranking(query)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "rank"], "Unknown method of fusion 'rank'"),
        (["--method", "weighted", "--weights", "0.7;0.3"], "--weights must be numbers with commas"),
        (["--method", "weighted", "--weights", "1"], "2 runs need a weight each"),
        (["--method", "weighted", "--scale", "minmax"], "Did you mean 'min-max'"),
        (["--weights", "0.7,0.3"], "--weights belongs to --method weighted, not to rrf"),
        (["--scale", "z"], "--scale belongs to --method weighted"),
        (["--method", "weighted", "--k", "10"], "--k belongs to --method rrf, not to weighted"),
        (["--k", "-1"], "must be 0 or more, not -1"),
    ],
)
def test_a_wrong_option_is_one_message(
    runs: tuple[Path, Path], tmp_path: Path, capsys: Any, options: list[str], message: str
) -> None:
    said = ran(capsys, "fuse", *runs, "--out", tmp_path / "f.trec", *options, code=2)[1]
    assert message in said
    assert not (tmp_path / "f.trec").exists()


def test_runs_that_do_not_belong_together_are_refused(runs: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    other = tmp_path / "other.trec"
    other.write_text("x Q0 a 1 1 other\n", encoding="utf-8")
    said = ran(capsys, "fuse", runs[0], other, "--out", tmp_path / "f.trec", code=1)[1]
    assert "'clip' and 'other' have no query in common" in said
    assert "takes two runs or more, not 1" in ran(capsys, "fuse", runs[0], "--out", tmp_path / "f", code=2)[1]
    assert "is one of the runs to fuse" in ran(capsys, "fuse", *runs, "--out", runs[1], code=2)[1]
    assert runs[1].read_text(encoding="utf-8") == SECOND
    assert "Cannot read" in ran(capsys, "fuse", *runs, tmp_path / "none", "--out", tmp_path / "f", code=1)[1]
