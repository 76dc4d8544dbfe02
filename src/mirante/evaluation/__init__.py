"""Judge retrieval: exact ranks, metrics that trec_eval agrees with, intervals, comparisons, and files to check us by.

Read `judge.evaluate` first: it calls everything else. Nothing here imports torch.
"""

from mirante.evaluation.comparison import Comparison, compare, compare_all
from mirante.evaluation.contrasts import Contrasted, judge_contrasts
from mirante.evaluation.evidence import fingerprint
from mirante.evaluation.judge import Judgement, Settings, evaluate, evaluate_run
from mirante.evaluation.languages import Gap, by_language, language_gaps
from mirante.evaluation.league import League, league
from mirante.evaluation.metrics import metric
from mirante.evaluation.per_query import PerQuery, per_query
from mirante.evaluation.presets import Preset, load_preset
from mirante.evaluation.reordered import Reranking, is_reranked, reordered
from mirante.evaluation.rescoring import rescore
from mirante.evaluation.results import SavedResults, load_results, made_of, save_results
from mirante.evaluation.trec import read_qrels, read_run, write_qrels, write_run
from mirante.evaluation.under import evaluate_under
from mirante.evaluation.verdicts import Verdict, leading, verdicts

__all__ = [
    "Comparison",
    "Contrasted",
    "Gap",
    "Judgement",
    "League",
    "PerQuery",
    "Preset",
    "Reranking",
    "SavedResults",
    "Settings",
    "Verdict",
    "by_language",
    "compare",
    "compare_all",
    "evaluate",
    "evaluate_run",
    "evaluate_under",
    "fingerprint",
    "is_reranked",
    "judge_contrasts",
    "language_gaps",
    "leading",
    "league",
    "load_preset",
    "load_results",
    "made_of",
    "metric",
    "per_query",
    "read_qrels",
    "read_run",
    "reordered",
    "rescore",
    "save_results",
    "verdicts",
    "write_qrels",
    "write_run",
]
