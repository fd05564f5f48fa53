"""Metrics of captions: of one sentence (METEOR, BLEU, CIDEr-D), of boxes with sentences; the evaluator of the task."""

from minivision.metrics.captions.cider import cider_d
from minivision.metrics.captions.dense import IOUS, METEORS, dense_captioning_ap
from minivision.metrics.captions.evaluation import evaluate_captioning
from minivision.metrics.captions.sentences import bleu, meteor_exact_stem
from minivision.metrics.captions.stemming import stem

__all__ = [
    "IOUS",
    "METEORS",
    "bleu",
    "cider_d",
    "dense_captioning_ap",
    "evaluate_captioning",
    "meteor_exact_stem",
    "stem",
]
