"""How well a sentence agrees with reference sentences: a part of METEOR, and BLEU."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from minivision.metrics.captions.stemming import stem

__all__ = ["bleu", "meteor_exact_stem"]

# Banerjee and Lavie, section 2: F = 10 P R / (R + 9 P), and the penalty 0.5 (chunks / matches)**3
ALPHA, BETA, GAMMA = 0.9, 3.0, 0.5


def meteor_exact_stem(hypothesis: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """METEOR with two of its stages: words match if they are equal, then if their stems are.

    METEOR has more: synonyms from WordNet and, in later versions, paraphrases and parameters for each language. So
    these values are lower than those of papers, and comparable only among themselves.

    Parameters
    ----------
    hypothesis : sequence of str
        Words of the sentence.
    references : sequence of sequences of str
        Words of the reference sentences, of which the best counts.

    Returns
    -------
    float
        From 0, no word in common, to nearly 1. It is the weighted harmonic mean of precision and recall of the words,
        reduced if they come in another order.

    Notes
    -----
    Which of several equal words match is decided from the end of the sentence, as in NLTK; METEOR looks for the pairs
    that cross least.

    References
    ----------
    Banerjee and Lavie, "METEOR: An Automatic Metric for MT Evaluation with Improved Correlation with Human Judgments",
    ACL Workshop 2005; Porter, "An algorithm for suffix stripping", 1980.

    Examples
    --------
    >>> from minivision.metrics.captions import meteor_exact_stem
    >>> round(meteor_exact_stem("a red star".split(), ["a big red star".split()]), 4)
    0.6553
    """
    return max((_meteor(hypothesis, reference) for reference in references), default=0.0)


def _meteor(hypothesis, reference):
    matches = _matches(hypothesis, reference)
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(hypothesis), len(matches) / len(reference)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    # a chunk: words that follow each other in both sentences
    chunks = 1 + sum((a + 1, b + 1) != after for (a, b), after in zip(matches, matches[1:], strict=False))
    return mean * (1 - GAMMA * (chunks / len(matches)) ** BETA)


def _matches(hypothesis, reference):
    """Return pairs of places of words that match, in the order of the hypothesis."""
    matches: list[tuple[int, int]] = []
    left, right = list(range(len(hypothesis))), list(range(len(reference)))
    for form in (str, stem):
        for a in reversed(left.copy()):
            b = next((b for b in reversed(right) if form(reference[b]) == form(hypothesis[a])), None)
            if b is not None:
                matches.append((a, b))
                left.remove(a)
                right.remove(b)
    return sorted(matches)


def bleu(hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]], n: int = 4) -> float:
    """BLEU of a corpus: how many runs of 1 to `n` words are found in a reference sentence.

    Parameters
    ----------
    hypotheses : sequence of K sequences of str
        Words of each sentence.
    references : sequence of K sequences of sequences of str
        Words of the reference sentences of each.
    n : int
        Longest run of words.

    Returns
    -------
    float
        From 0 to 1: the geometric mean of the precisions of all lengths, times a penalty for short sentences. 0 if
        there is no run of some length (nothing is smoothed).

    References
    ----------
    Papineni, Roukos, Ward and Zhu, "BLEU: a Method for Automatic Evaluation of Machine Translation", ACL 2002.

    Examples
    --------
    >>> from minivision.metrics.captions import bleu
    >>> round(bleu(["a red star on top".split()], [["a red star at the top".split(), "one red star".split()]], n=2), 4)
    0.5178
    """
    found, there = [0] * n, [0] * n
    length = closest = 0
    for hypothesis, others in zip(hypotheses, references, strict=True):
        length += len(hypothesis)
        closest += min((abs(len(other) - len(hypothesis)), len(other)) for other in others)[1]
        for size in range(1, n + 1):
            counts, allowed = runs(hypothesis, size), Counter[tuple[str, ...]]()
            for other in others:
                allowed |= runs(other, size)  # the largest count in any reference
            found[size - 1] += (counts & allowed).total()
            there[size - 1] += counts.total()
    if 0 in found:
        return 0.0
    mean = sum(math.log(a / b) for a, b in zip(found, there, strict=True)) / n
    return math.exp(min(0.0, 1 - closest / length) + mean)


def runs(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    """Return how often each run of `size` words is in a sentence."""
    return Counter(tuple(words[k : k + size]) for k in range(len(words) - size + 1))
