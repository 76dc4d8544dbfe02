"""`mirante index` and `mirante search` over real engines."""

import json

import pytest

from mirante.cli import main
from real_engines import CASES

pytestmark = pytest.mark.server


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    answer = capsys.readouterr()
    assert ended.value.code == 0, answer.err
    return json.loads(answer.out)


@pytest.mark.parametrize("case", CASES)
def test_scenes_are_indexed_and_found_as_by_the_exact_index(case, located, tmp_path, capsys):
    kind = located(case)
    call(capsys, "embed", "scenes:test-30", "--model", "toy", "--out", tmp_path / "vectors", "--json")
    answers = []
    for one in ("exact", kind):
        made = call(capsys, "index", tmp_path / "vectors", "--kind", one, "--out", tmp_path / one, "--json")
        assert (made["kind"], made["count"]) == (one, 30)
        for where in ((), ("--where", "style=plain")):
            search = ("search", tmp_path / one, "a red square", "-k", 5, *where, "--json")
            answers.append([(hit["id"], hit["score"]) for hit in call(capsys, *search)["hits"]])
    assert answers[:2] == answers[2:]
    assert len(answers[0]) == 5
