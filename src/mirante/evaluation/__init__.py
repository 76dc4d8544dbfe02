"""Judge retrieval: exact ranks, metrics that trec_eval agrees with, intervals, and files to check us by.

Read `judge.evaluate` first: it calls everything else. Nothing here imports torch.
"""

from mirante.evaluation.judge import Judgement, Settings, evaluate, evaluate_run
from mirante.evaluation.metrics import metric
from mirante.evaluation.results import SavedResults, load_results, save_results
from mirante.evaluation.trec import read_qrels, read_run, write_qrels, write_run

__all__ = [
    "Judgement",
    "SavedResults",
    "Settings",
    "evaluate",
    "evaluate_run",
    "load_results",
    "metric",
    "read_qrels",
    "read_run",
    "save_results",
    "write_qrels",
    "write_run",
]
