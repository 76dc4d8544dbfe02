"""What to do next with a data set and a model, why, and what it would cost.

Read `advise.advise` first: it calls everything else. `rules.toml` is the table of rules, `decide` what weighs them
against evidence, `document` what comes out.
"""

from mirante.advice.advise import Advice, Job, advise
from mirante.advice.document import document, save
from mirante.advice.ground import Asked
from mirante.advice.learning import SHARES
from mirante.advice.rules import load_table

__all__ = ["SHARES", "Advice", "Asked", "Job", "advise", "document", "load_table", "save"]
