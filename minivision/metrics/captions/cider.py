"""CIDEr-D: how well sentences agree with reference sentences, where words that say little count little."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from minivision.core.types import Array
from minivision.metrics.captions.sentences import runs

__all__ = ["cider_d"]

LONGEST = 4  # words in a run
SIGMA = 6.0  # of the penalty for another length, in words
FACTOR = 10.0  # CIDEr-D is written on a scale to 10

Weights = dict[tuple[str, ...], float]  # of the runs of one length in a sentence


def cider_d(hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> Array:
    """CIDEr-D: the cosine between the words of a sentence and those of its references, each weighted by how rare it is.

    Words, and runs of two, three and four of them, count by tf-idf: how often they are in the sentence, times the
    logarithm of K over the number of the K things that a reference says them of. "a" is said of everything, and counts
    nothing.

    Parameters
    ----------
    hypotheses : sequence of K sequences of str
        Words of each sentence.
    references : sequence of K sequences of sequences of str
        Words of the reference sentences of each, at least one.

    Returns
    -------
    float64 ndarray of shape (K,)
        From 0 to 10; their mean is the value of a corpus.

    Raises
    ------
    ValueError
        If a sentence has no reference.

    Notes
    -----
    As in the published code words are not stemmed, and counts are not divided by the length of the sentence. There are
    10 only for a sentence of four words or more whose references are all the same as it: the mean over the references
    is taken, and a sentence of three words has no run of four. For a single thing, K = 1, everything is 0.

    References
    ----------
    Vedantam, Zitnick and Parikh, "CIDEr: Consensus-based Image Description Evaluation", CVPR 2015. The
    constants are those of its published code.

    Examples
    --------
    >>> from minivision.metrics.captions import cider_d
    >>> references = [["a small red star".split()], ["a small blue ring".split()]]
    >>> said = ["a small red star".split(), "a small red ring".split()]
    >>> cider_d(said, references).round(2).tolist()  # "small" is said of both: "blue" and "ring" matter
    [10.0, 1.25]
    """
    for k, others in enumerate(references):
        if not len(others):
            raise ValueError(f"references: expected a sentence or more of each, got none of number {k}")
    spoken_of = Counter(run for others in references for run in {run for other in others for run in _all_runs(other)})
    scores = [
        np.mean([_agreement(hypothesis, other, spoken_of, len(references)) for other in others])
        for hypothesis, others in zip(hypotheses, references, strict=True)
    ]
    return FACTOR * np.array(scores, np.float64)


def _all_runs(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    return sum((runs(words, size) for size in range(1, LONGEST + 1)), Counter[tuple[str, ...]]())


def _agreement(
    hypothesis: Sequence[str], reference: Sequence[str], spoken_of: Mapping[tuple[str, ...], int], count: int
) -> float:
    """Return the mean cosine of the weights of runs of all lengths, reduced if the sentences differ in length."""
    cosines = [
        _cosine(*(_weights(words, size, spoken_of, count) for words in (hypothesis, reference)))
        for size in range(1, LONGEST + 1)
    ]
    return float(np.mean(cosines)) * math.exp(-((len(hypothesis) - len(reference)) ** 2) / (2 * SIGMA**2))


def _weights(words: Sequence[str], size: int, spoken_of: Mapping[tuple[str, ...], int], count: int) -> Weights:
    """Return tf-idf of each run; one that no reference has counts as if one had it."""
    return {run: n * math.log(count / max(1, spoken_of.get(run, 0))) for run, n in runs(words, size).items()}


def _cosine(hypothesis: Weights, reference: Weights) -> float:
    """Return the cosine, where no run of the hypothesis counts more than in the reference: repeating it is no gain."""
    product = sum(min(w, reference[run]) * reference[run] for run, w in hypothesis.items() if run in reference)
    lengths = math.hypot(*hypothesis.values()) * math.hypot(*reference.values())
    return product / lengths if lengths > 0 else 0.0
