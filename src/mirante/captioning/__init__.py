"""Captions: models that write them, and how good what they write is.

`captioner.open_captioner` opens a model that describes pictures; `writing.describe` captions many, `records` keeps what
was written; `measures.measure` compares captions with references (BLEU-4, ROUGE-L, CIDEr-D); `naming.named` judges
captions of `scenes` by what they say. `mirante.training` trains a captioner in the same loop as everything else.
"""

METRICS = ("bleu_4", "rouge_l", "cider_d")
"""What captions are measured by."""
