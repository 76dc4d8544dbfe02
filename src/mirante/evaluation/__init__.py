"""Judge retrieval: exact ranks, metrics that trec_eval agrees with, intervals, comparisons, and files to check us by.

Read `judge.evaluate` first: it calls everything else. Nothing here imports torch.
"""

from mirante.evaluation.comparison import Comparison, compare, compare_all
from mirante.evaluation.judge import Judgement, Settings, evaluate, evaluate_run
from mirante.evaluation.league import League, league
from mirante.evaluation.metrics import metric
from mirante.evaluation.per_query import PerQuery, per_query
from mirante.evaluation.presets import Preset, load_preset
from mirante.evaluation.rescoring import rescore
from mirante.evaluation.results import SavedResults, load_results, save_results
from mirante.evaluation.trec import read_qrels, read_run, write_qrels, write_run
from mirante.evaluation.under import evaluate_under

__all__ = [
    "Comparison",
    "Judgement",
    "League",
    "PerQuery",
    "Preset",
    "SavedResults",
    "Settings",
    "compare",
    "compare_all",
    "evaluate",
    "evaluate_run",
    "evaluate_under",
    "league",
    "load_preset",
    "load_results",
    "metric",
    "per_query",
    "read_qrels",
    "read_run",
    "rescore",
    "save_results",
    "write_qrels",
    "write_run",
]
