"""The whole of advice, top to bottom: measure, look at the data, ask the rules, try fine-tunes, recommend."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mirante import encoders, pipeline
from mirante.advice import findings, say
from mirante.advice.decide import STEPS, decide
from mirante.advice.evidence import Evidence, gather
from mirante.advice.findings import Findings
from mirante.advice.fine_tune import fine_tune
from mirante.advice.ground import RESULTS, Asked, Ground, from_results, resolved, survey
from mirante.advice.learning import Learning, Plan, learn
from mirante.advice.notes import Note
from mirante.advice.recommendation import Case, Recommendation, recommend
from mirante.advice.rules import Answer, Facts, Table, Topic, answer, answers, load_table
from mirante.errors import MiranteError
from mirante.evaluation import SavedResults, load_results
from mirante.types import Encoder, Estimate


@dataclass(frozen=True)
class Job:
    """What advice is wanted.

    Args:
        asked: the data, or the folder of an evaluation as its address.
        out: folder of the advice, of its results and its fine-tunes.
        models: to be measured; none where a folder of results is asked about, or nothing is to be measured.
        table: the rules.
        shares: of the pictures to try fine-tunes on; none for no learning curve.
        thorough: look for leaks among all pictures to learn from, however many they are.
        only: which data set of a folder of results.
        report_language: of the pages.
    """

    asked: Asked
    out: Path
    models: tuple[str, ...] = ()
    table: Table = field(default_factory=load_table)
    shares: tuple[float, ...] = ()
    thorough: bool = False
    only: str | None = None
    report_language: str | None = None


@dataclass(frozen=True)
class Focus:
    """A language of its own: R@1 of the best model with its captions, and the rules' answers with it."""

    language: str
    r1: Estimate
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Advice:
    """What was found, and what to do.

    Args:
        ground: the data.
        facts: what the rules read, of all captions.
        answers: the rules' answer on each topic whose facts are known.
        evidence: what models reach, None where none was measured.
        findings: what is wrong with the data.
        focus: the language that is advised on, None for all captions.
        learning: fine-tunes on shares, None where none were tried.
        recommendation: the end of it.
    """

    ground: Ground
    facts: Facts
    answers: tuple[Answer, ...]
    evidence: Evidence | None
    findings: Findings
    focus: Focus | None
    learning: Learning | None
    recommendation: Recommendation


def advise(job: Job, load: Callable[[str], Encoder] = encoders.load) -> Advice:
    """Say what to do next.

    Args:
        job: what advice is wanted.
        load: opens a model address; says how models run.

    Raises:
        UsageError: an address, model, column or language does not exist, or there is nothing to advise on.
        DataError: the data cannot be read as asked.
        StoreError: results are damaged.
        TrainingError: a fine-tune of the learning curve failed.
    """
    saved = _results(job, load)
    evidence = gather(saved, job.only, job.asked.reading.language) if saved else None
    asked = resolved(job.asked, (evidence.protocol.data, evidence.language) if evidence else None)
    soil = _ground(asked, evidence, from_folder=asked != job.asked)
    found = findings.look(soil, saved, evidence, thorough=job.thorough)
    facts = _facts(soil, evidence)
    said = {one.topic: one for one in answers(job.table, facts)}
    focus = _focus(job.table, facts, evidence)
    focused = replace(facts, r1=evidence.languages[focus]) if evidence and focus else facts
    step = answer(job.table, "step", focused)
    config = fine_tune(soil, evidence, job.out, focus=focus, leaked=found.identical) if evidence else None
    learning = learn(Plan(config, job.out, found.leaked, job.shares), load) if config and job.shares else None
    decision = decide(step, learning.curve if learning else None, r1=focused.r1, rows=soil.rows)
    models = tuple(one.model for one in evidence.models) if evidence else ()
    case = Case(asked, soil.measured, models, config, soil.rows, learning, job.out)
    told = (said | {"step": step}) if step else said
    reasons = tuple(_reasons(told, evidence, learning, facts=focused, focus=focus))
    recommendation = recommend(case, decision, warnings=found.warnings, reasons=reasons + found.reasons)
    alone = Focus(focus, focused.r1, answers(job.table, focused)) if focus and focused.r1 else None
    return Advice(soil, facts, tuple(said.values()), evidence, found, alone, learning, recommendation)


def _results(job: Job, load: Callable[[str], Encoder]) -> SavedResults | None:
    """Those of the folder that is asked about, else of a new evaluation; None where there is nothing to measure."""
    folder = Path(job.asked.address)
    if (folder / RESULTS).is_file():
        return load_results(folder)
    if not job.models:
        return None
    source = pipeline.Source(job.asked.address, job.asked.reading, job.asked.limit)
    pipeline.run(pipeline.Job((source,), job.models, job.out, job.report_language), load)
    return load_results(job.out)


def _ground(asked: Asked, evidence: Evidence | None, *, from_folder: bool) -> Ground:
    """The data itself; where only results were given, and it is not on this machine, what they keep of it."""
    if evidence is None or not from_folder or asked.train:
        return survey(asked)
    try:
        found = None if asked.address.startswith("hf:") else survey(asked)
    except MiranteError:
        found = None
    return found or from_results(evidence.pairs, evidence.language, asked)


def _facts(soil: Ground, evidence: Evidence | None) -> Facts:
    lead = evidence.lead.value if evidence and evidence.lead else None
    return Facts(soil.rows, soil.texts, evidence.best.r1 if evidence else None, lead)


def _focus(table: Table, facts: Facts, evidence: Evidence | None) -> str:
    """The weakest language, where the rules say another step for it than for all captions together; else `""`."""
    whole = answer(table, "step", facts)
    if whole is None or evidence is None or not evidence.languages:
        return ""
    tag, r1 = next(iter(evidence.languages.items()))
    alone = answer(table, "step", replace(facts, r1=r1))
    return tag if tag and alone and STEPS[alone.verdict] != STEPS[whole.verdict] else ""


def _reasons(
    told: Mapping[Topic, Answer], evidence: Evidence | None, learning: Learning | None, *, facts: Facts, focus: str
) -> Iterator[Note]:
    if evidence and facts.r1:
        yield from say.level(evidence, told)
        yield from say.languages(evidence, focus)
        yield from say.step(told, facts.r1, facts.rows)
    if learning:
        yield from say.learnt(learning)
        yield from say.forgotten(learning)
    if evidence:
        yield from say.family(evidence, told)
    yield from say.kind(told, facts.rows, facts.texts)
