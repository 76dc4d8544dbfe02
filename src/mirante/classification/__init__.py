"""What a picture is, said by texts: zero-shot labels, probes, filters, caption scores, and relevance of answers.

One concept a file. `zeroshot` gives labels their probabilities, `judge` measures them, `probes` learns from labelled
pictures on the same rows, `filters` keeps or drops by texts, `clipscore` scores captions, `relevance` fits how likely
an answer of a search is right.
"""

from mirante.classification.examples import Examples, embed_examples
from mirante.classification.judge import Figures, judge
from mirante.classification.labels import Label, read_labels
from mirante.classification.prompts import class_rows, read_templates
from mirante.classification.scale import Scale, scale_of
from mirante.classification.zeroshot import ZeroShot

__all__ = [
    "Examples",
    "Figures",
    "Label",
    "Scale",
    "ZeroShot",
    "class_rows",
    "embed_examples",
    "judge",
    "read_labels",
    "read_templates",
    "scale_of",
]
