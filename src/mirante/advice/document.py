"""Advice as one JSON document: what `mirante advise --json` prints, and what `advice.html` is drawn from."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mirante import environment
from mirante.advice.advise import Advice
from mirante.advice.evidence import Evidence
from mirante.advice.learning import Learning
from mirante.evaluation.files import write

SCHEMA = 1
NAME = "advice.json"


def document(advice: Advice) -> dict[str, Any]:
    """Plain values for JSON."""
    facts, ground = advice.facts, advice.ground
    return {
        "schema": SCHEMA,
        "data": ground.measured,
        "learn_from": {"data": ground.data.address, "apart": ground.apart, "rows": facts.rows, "texts": facts.texts},
        "measured": _measured(advice.evidence) if advice.evidence else None,
        "answers": [asdict(one) for one in advice.answers],
        "focus": asdict(advice.focus) if advice.focus else None,
        "diagnosis": advice.findings.documents.get("diagnosis"),
        "leaks": advice.findings.documents.get("leaks"),
        "learning_curve": _curve(advice.learning) if advice.learning else None,
        "recommendation": _recommendation(advice),
    }


def save(folder: Path, advice: Advice, *, seconds: float | None = None) -> Path:
    """Write `advice.json` into `folder`, with the environment and how long it took."""
    told = {**document(advice), "environment": {**environment.describe(), "seed": 0, "seconds": seconds}}
    path = folder / NAME
    write(path, (json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False), "\n"))
    return path


def _measured(evidence: Evidence) -> dict[str, Any]:
    lead = evidence.lead
    return {
        "protocol": asdict(evidence.protocol),
        "models": [{"model": one.model, "family": one.family, "r1": asdict(one.r1)} for one in evidence.models],
        "languages": {tag: asdict(one) for tag, one in evidence.languages.items()},
        "families": asdict(lead) if lead else None,
    }


def _curve(learning: Learning) -> dict[str, Any]:
    curve, trials = learning.curve, learning.trials
    points = [
        {"share": trial.share, "pictures": size, "r1": asdict(r1), "seconds": trial.seconds}
        for trial, (size, r1) in zip(trials, curve.points, strict=True)
    ]
    return {
        "points": points,
        "protocol": asdict(trials[0].target.protocol),
        "pictures": curve.pictures,
        "expected": asdict(curve.expected),
        "gain": asdict(curve.gain),
        "measured_gain": asdict(curve.measured_gain),
        "line": [{"pictures": size, "r1": asdict(r1)} for size, r1 in curve.line],
        "doubts": list(curve.doubts),
        "left_out": [{"share": share, "pictures": size} for share, size in learning.left_out.items()],
        "forgotten": asdict(learning.forgotten) if learning.forgotten else None,
    }


def _recommendation(advice: Advice) -> Mapping[str, Any]:
    said = advice.recommendation
    return {**asdict(said), "config": str(said.config) if said.config else None}
