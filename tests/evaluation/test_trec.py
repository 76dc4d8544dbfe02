"""TREC files: any id and any float32 comes back, and trec_eval reads them as we do."""

from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from mirante.errors import DataError
from mirante.evaluation.metrics import metric
from mirante.evaluation.ranks import ranks_from_run
from mirante.evaluation.trec import decode, encode, read_qrels, read_run, write_qrels, write_run
from mirante.types import Qrels, Run

RUN = Run(
    queries=("q 1", "q2"),
    documents=("um cão.png", "100%", "c"),
    indices=np.array([[1, 0], [2, -1]], np.int32),
    scores=np.array([[0.1, 0.1], [1 / 3, -np.inf]], np.float32),
    name="my model",
)


def test_a_run_as_text(tmp_path: Path) -> None:
    write_run(tmp_path / "a.trec", RUN)
    assert (tmp_path / "a.trec").read_text(encoding="utf-8") == (
        "q%201 Q0 100%25 1 0.100000001 my%20model\n"
        "q%201 Q0 um%20cão.png 2 0.100000001 my%20model\n"
        "q2 Q0 c 1 0.333333343 my%20model\n"
    )
    again = read_run(tmp_path / "a.trec")
    assert again.name == "my model"
    assert again.ranking("q 1") == [("um cão.png", RUN.scores[0, 0]), ("100%", RUN.scores[0, 0])]  # the tie rule
    assert again.ranking("q2") == [("c", RUN.scores[1, 0])]


def test_qrels_as_text(tmp_path: Path) -> None:
    qrels = Qrels({"q 1": {"um cão.png": 1, "x": 0}, "q2": {"%20": 2}})
    write_qrels(tmp_path / "q.trec", qrels)
    assert (tmp_path / "q.trec").read_text(encoding="utf-8") == "q%201 0 um%20cão.png 1\nq%201 0 x 0\nq2 0 %2520 2\n"
    assert read_qrels(tmp_path / "q.trec") == qrels


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8))
def test_any_id_is_one_column_and_comes_back(one: str, other: str) -> None:
    column = encode(one)
    assert decode(column) == one
    assert column.split() == [column]
    assert column.encode().split() == [column.encode()]
    if not any(sign > "%" and sign.isspace() for sign in one + other):
        assert (one < other) == (column.encode() < encode(other).encode())  # ties break alike


def test_the_id_of_an_odd_file_name_comes_back() -> None:
    assert decode(encode("a\udcff b")) == "a\udcff b"  # what os.listdir makes of bytes that are not UTF-8


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_any_score_comes_back(tmp_path_factory: pytest.TempPathFactory, scores: list[float]) -> None:
    path = tmp_path_factory.mktemp("run") / "a.trec"
    ordered = np.sort(np.array([scores], np.float32))[:, ::-1]
    documents = tuple("abcdefgh"[: len(scores)])
    write_run(path, Run(("q",), documents, np.arange(len(scores), dtype=np.int32)[None], ordered))
    again = read_run(path)
    assert again.scores.tobytes() == (ordered if len(set(scores)) == len(scores) else again.scores).tobytes()
    assert again.scores.tolist() == ordered.tolist()


def test_trec_eval_reads_our_files_as_we_do(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    documents = tuple(f"{sign}{at}" for at in range(8) for sign in (" ", "!", "%", "a", "é"))
    indices = np.stack([random.permutation(40)[:30] for _ in range(20)]).astype(np.int32)
    scores = np.sort(random.integers(0, 5, (20, 30)) / 7, axis=1)[:, ::-1].astype(np.float32)
    queries = tuple(f"query {at}" for at in range(20))
    run, qrels = Run(queries, documents, indices, scores), Qrels({q: dict.fromkeys(documents[:9], 1) for q in queries})
    write_run(tmp_path / "run", run)
    write_qrels(tmp_path / "qrels", qrels)

    with (tmp_path / "run").open() as a, (tmp_path / "qrels").open() as b:
        theirs = pytrec_eval.RelevanceEvaluator(pytrec_eval.parse_qrel(b), {"map"}).evaluate(pytrec_eval.parse_run(a))

    for ours in (run, read_run(tmp_path / "run")):
        values = metric("map").values(ranks_from_run(ours, read_qrels(tmp_path / "qrels")))
        assert values.tolist() == pytest.approx([theirs[encode(query)]["map"] for query in queries], abs=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q Q0 d 1 0.5\n", "line 1: 5 columns where 6 are expected"),
        ("q Q0 d 1 0.5 n\n\nq Q0 d 2 0.4 n\n", "line 3: query 'q' lists 'd' twice"),
        ("q Q0 d 1 high n\n", "line 1: the score 'high' is not a number"),
        ("q Q0 d 1 nan n\n", "line 1: the score 'nan' is not a number"),
        (b"q Q0 \xff 1 1 n\n", "is not UTF-8 text"),
    ],
)
def test_a_malformed_run_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    (tmp_path / "a.trec").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message):
        read_run(tmp_path / "a.trec")


def test_malformed_qrels_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "q").write_text("q 0 d yes\n")
    with pytest.raises(DataError, match="line 1: the grade 'yes' is not a whole number"):
        read_qrels(tmp_path / "q")
    with pytest.raises(DataError, match=r"Cannot read .*lost.*No such file"):
        read_qrels(tmp_path / "lost")


def test_foreign_runs_may_be_unsorted_overflow_and_lack_an_end(tmp_path: Path) -> None:
    (tmp_path / "a.trec").write_bytes(b"q\tQ0\td1 9 0.1 n\r\nq Q0 d2 9 1e300 n")
    run = read_run(tmp_path / "a.trec")
    assert [one for one, _ in run.ranking("q")] == ["d2", "d1"]
    (tmp_path / "empty.trec").write_text("")
    assert read_run(tmp_path / "empty.trec").queries == ()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_run(tmp_path / "a.trec", RUN)
    before = (tmp_path / "a.trec").read_bytes()
    with pytest.raises(DataError, match="An id is ''"):
        write_run(tmp_path / "a.trec", Run(("q", ""), ("a",), np.zeros((2, 1), np.int32), np.ones((2, 1), np.float32)))
    assert (tmp_path / "a.trec").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.trec"]
