"""Judge retrieval: exact ranks, metrics that trec_eval agrees with, intervals, comparisons, and files to check us by.

Read `judge.evaluate` first: it calls everything else. Nothing here imports torch.
"""

from mirante.evaluation.comparison import Comparison, compare, compare_all
from mirante.evaluation.judge import Judgement, Settings, evaluate, evaluate_run
from mirante.evaluation.league import League, league
from mirante.evaluation.metrics import metric
from mirante.evaluation.per_query import PerQuery, per_query
from mirante.evaluation.results import SavedResults, load_results, save_results
from mirante.evaluation.trec import read_qrels, read_run, write_qrels, write_run

__all__ = [
    "Comparison",
    "Judgement",
    "League",
    "PerQuery",
    "SavedResults",
    "Settings",
    "compare",
    "compare_all",
    "evaluate",
    "evaluate_run",
    "league",
    "load_results",
    "metric",
    "per_query",
    "read_qrels",
    "read_run",
    "save_results",
    "write_qrels",
    "write_run",
]
