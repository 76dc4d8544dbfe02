"""An evaluation that is made already is not made again; anything that its numbers come from makes it anew."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mirante import encoders, pipeline, registry
from mirante.datasets import Contrast
from mirante.evaluation import Preset, load_results
from mirante.types import Caption


@pytest.fixture
def job(tmp_path):
    """Three captioned pictures, one model, one folder."""
    data = tmp_path / "data"
    data.mkdir()
    for colour in ("red", "green", "blue"):
        Image.new("RGB", (40, 30), colour).save(data / f"{colour}.png")
        (data / f"{colour}.txt").write_text(f"a {colour} square\n")
    return pipeline.Job((pipeline.Source(str(data)),), ("toy",), tmp_path / "out", "en")


@pytest.fixture
def judged(monkeypatch):
    """The calls of `judge`."""
    plain, calls = pipeline.judge, []
    monkeypatch.setattr(pipeline, "judge", lambda *given, **more: calls.append(given) or plain(*given, **more))
    return calls


def test_the_same_call_finds_the_same_results(job, judged):
    first = pipeline.run(job)
    before = {path: path.stat().st_mtime_ns for path in job.out.rglob("*") if path.is_file()}

    assert pipeline.run(job) == first
    assert len(judged) == 1
    assert {path: path.stat().st_mtime_ns for path in job.out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "changed",
    [
        lambda job: replace(job, report_language="pt"),
        lambda job: replace(job, usd_per_hour=2.0),
        lambda job: replace(job, protocol=Preset(depth=2)),
        lambda job: replace(job, models=("toy#dim=8",)),
        lambda job: replace(job, cache=False),
        lambda job: replace(job, rerank=("reciprocal",)),
        lambda job: replace(job, trained_on=job.sources),
    ],
    ids=["language", "price", "protocol", "model", "no cache", "re-rankers", "learnt from"],
)
def test_another_condition_is_judged_anew(job, judged, changed):
    pipeline.run(job)
    pipeline.run(changed(job))

    assert len(judged) == 2


def test_another_caption_or_picture_is_judged_anew(job, judged):
    data = Path(job.sources[0].address)
    pipeline.run(job)
    (data / "red.txt").write_text("a crimson square\n")
    pipeline.run(job)
    Image.new("RGB", (40, 30), "navy").save(data / "blue.png")
    pipeline.run(job)

    assert len(judged) == 3


@pytest.mark.parametrize("lost", ["report.html", "results.json", "runs/*.trec", "ranks/*.txt", "pairs/*.jsonl"])
def test_what_is_not_whole_is_made_anew(job, judged, lost):
    pipeline.run(job)
    for path in job.out.glob(lost):
        path.unlink()
    again = pipeline.run(job)

    assert len(judged) == 2
    assert load_results(job.out).results == again
    assert len(list(job.out.glob(lost))) >= 1


def test_a_run_that_was_cut_off_before_its_report_is_made_anew(job, judged, monkeypatch):
    pipeline.run(job)
    other = replace(job, usd_per_hour=2.0)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "save_thumbnails", lambda *given: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(other)
    pipeline.run(other)

    assert len(judged) == 3
    assert (job.out / "report.html").is_file()


def test_another_wrong_caption_of_a_question_is_judged_anew(job, judged, monkeypatch):
    pipeline.run(job)
    plain = pipeline.collect
    (picture,) = plain(job.sources[0], job.protocol).pairs.images[:1]

    def asking(text):
        told = (Caption("q#right", "a red square", "en"), Caption("q#wrong", text, "en"))
        asked = Contrast("q", "swap", (picture,), told)
        monkeypatch.setattr(pipeline, "collect", lambda *given: replace(plain(*given), contrasts=(asked,)))
        return pipeline.run(job)

    asking("a blue square")
    asking("a green square")

    assert len(judged) == 3


def test_with_other_code_or_libraries_it_is_judged_anew(job, judged, monkeypatch):
    pipeline.run(job)
    monkeypatch.setattr(pipeline.environment, "versions", lambda: {"numpy": "another"})
    pipeline.run(job)

    assert len(judged) == 2


@pytest.mark.slow
def test_a_second_evaluation_imports_no_torch(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = registry.load("mirante.encoders", "clip").tiny(tmp_path / "model")
    ask = f"""
import sys
from pathlib import Path
from mirante import encoders, pipeline
job = pipeline.Job((pipeline.Source("scenes:test-12"),), ({model!r},), Path({str(tmp_path / "out")!r}), "en")
pipeline.run(job, encoders.recall)
print("torch" in sys.modules)
"""
    said = [subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True) for _ in range(2)]

    assert [one.stdout.strip() for one in said] == ["True", "False"]
    assert encoders.recall(model).dim == 24
