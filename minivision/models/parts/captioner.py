"""The captioner of DenseCap: the code of a region -> a sentence, one word at a time.

::

    code of the region     START       "a"        "red"       "star"       inputs
            |                |          |           |            |
          LSTM ──────────> LSTM ────> LSTM ─────> LSTM ───────> LSTM
                             |          |           |            |
                            "a"       "red"       "star"        END        targets

In training the input of a step is the true word before it. In prediction it is the word that the step before chose.

References
----------
Johnson, Karpathy and Fei-Fei, "DenseCap: Fully Convolutional Localization Networks for Dense Captioning", CVPR 2016,
section 3.3.4; Vinyals, Toshev, Bengio and Erhan, "Show and Tell", CVPR 2015 (the image as the first input, beams).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from minivision import ops
from minivision.core.devices import get_array_module, on_host, to_device_of
from minivision.core.ranks import share_of_mean
from minivision.core.types import Array
from minivision.layers import LSTM, Embedding, Layer, Linear, ReLU, Sequential

PADDING = -100  # a target that does not count: the ignore_index of softmax_cross_entropy


def words_of(caption: str) -> list[str]:
    """Return the words of a caption, in lower case and without punctuation.

    Examples
    --------
    >>> from minivision.models.parts.captioner import words_of
    >>> words_of("A cat's tail, on the T-shirt.")
    ['a', "cat's", 'tail', 'on', 'the', 't', 'shirt']
    """
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", caption.lower())


class Captioner(Layer):
    """A recurrent network that writes a sentence about each region.

    Its parts are a layer that makes the first input of the region's code, the embedding of words, an LSTM, and the
    scores of the next word. START as an input and END as an output have the same number, the one after all words.

    Parameters
    ----------
    code_size : int
        Length of a region's code.
    vocabulary : sequence of str
        The words it can read and write.
    width : int
        Length of the vector of a word.
    hidden : int
        Length of the state of the LSTM.
    max_words : int
        Longest sentence.
    look : {"once", "always"}
        Whether the region is the first input alone, as in the paper, or is added to each word as well. Then its
        gradient need not come back through all moments: colors are learned in far fewer steps.
    rng : numpy.random.Generator, optional
        Draws the weights, then which caption of an object is learned.
    """

    def __init__(
        self,
        code_size: int,
        vocabulary: Sequence[str],
        *,
        width: int = 64,
        hidden: int = 128,
        max_words: int = 15,
        look: str = "once",
        rng: np.random.Generator | None = None,
    ) -> None:
        self.rng = np.random.default_rng(0) if rng is None else rng
        self.vocabulary, self.max_words, self.look = tuple(vocabulary), max_words, look
        self.numbers = {word: number for number, word in enumerate(self.vocabulary)}
        self.boundary = len(self.vocabulary)  # START and END
        self.image = Sequential(Linear(code_size, width, rng=self.rng), ReLU())
        self.words = Embedding(self.boundary + 1, width, rng=self.rng)
        self.lstm = LSTM(width, hidden, rng=self.rng)
        self.scores = Linear(hidden, self.boundary + 1, rng=self.rng)

    # ---- training ----------------------------------------------------------------------------------------------

    def sample(
        self, captions: Sequence[Sequence[str]], rngs: Sequence[np.random.Generator] | None = None
    ) -> tuple[Array, Array]:
        """Draw one of the captions of each object, and return it as the inputs and targets of each step.

        Parameters
        ----------
        captions : sequence of K sequences of str
            Words that are not in the vocabulary are left out; an object without captions is not learned.
        rngs : sequence of K numpy.random.Generator, optional
            What draws the caption of each object; by default the generator of this layer.

        Returns
        -------
        inputs : int64 ndarray of shape (T, K)
            START, then the words. T is the length of the longest sentence, with END.
        targets : int64 ndarray of shape (T, K)
            The words, then END, then `PADDING`.
        """
        rngs = [self.rng] * len(captions) if rngs is None else rngs
        sentences = [
            self._numbers(each[int(rng.integers(len(each)))]) if len(each) else None
            for each, rng in zip(captions, rngs, strict=True)
        ]
        T = 1 + max((len(each) for each in sentences if each is not None), default=0)
        inputs = np.full((T, len(sentences)), self.boundary, np.int64)
        targets = np.full((T, len(sentences)), PADDING, np.int64)
        for k, sentence in enumerate(sentences):
            if sentence is not None:
                inputs[1 : len(sentence) + 1, k] = sentence
                targets[: len(sentence) + 1, k] = [*sentence, self.boundary]
        return inputs, targets

    def _numbers(self, caption):
        return [self.numbers[word] for word in words_of(caption) if word in self.numbers][: self.max_words]

    def forward(self, codes: Array, inputs: Array, training: bool = False) -> Array:  # type: ignore[override]
        """Return the scores of the next word at each step.

        Parameters
        ----------
        codes : ndarray of shape (K, code_size)
        inputs : int64 ndarray of shape (T, K)
            As :meth:`sample` returns them.
        training : bool
            Whether to keep what :meth:`backward` needs.

        Returns
        -------
        ndarray of shape (T * K, words + 1)
        """
        xp = get_array_module(codes)
        region, words = self.image(codes, training)[None], self.words(inputs, training)
        if self.look == "always":
            words = words + region
        x = xp.concatenate([region, words])  # (1 + T, K, width)
        states = self.lstm(x, training)[1:]  # what follows the image itself is not compared with anything
        if training:
            self.remember(states.shape)
        return self.scores(states.reshape(-1, states.shape[2]), training)  # (T, K, hidden) -> (T K, words + 1)

    def backward(self, dscores: Array) -> Array:
        """Return the gradient of the codes."""
        (shape,) = self.recall()
        dstates = self.scores.backward(dscores).reshape(shape)  # (T K, hidden) -> (T, K, hidden)
        xp = get_array_module(dstates)
        dx = self.lstm.backward(xp.concatenate([xp.zeros_like(dstates[:1]), dstates]))
        self.words.backward(dx[1:])
        return self.image.backward(dx.sum(axis=0) if self.look == "always" else dx[0])

    def losses(self, scores: Array, targets: Array) -> tuple[dict[str, Any], Array]:
        """Return the loss ``caption``, the mean cross-entropy of all words and ENDs, and the gradient of the scores.

        Parameters
        ----------
        scores : ndarray of shape (T * K, words + 1)
            As :meth:`forward` returned them.
        targets : int64 ndarray of shape (T, K)
            As :meth:`sample` returned them.
        """
        target = to_device_of(targets.reshape(-1), scores)
        loss, dscores = ops.softmax_cross_entropy(scores, target, ignore_index=PADDING)
        loss, dscores = share_of_mean(int(np.count_nonzero(targets != PADDING)), loss, dscores)
        return {"caption": loss}, dscores

    # ---- prediction --------------------------------------------------------------------------------------------

    def write(self, codes: Array, beams: int = 1) -> list[tuple[str, float]]:
        """Return a sentence about each region, and the logarithm of its probability.

        Parameters
        ----------
        codes : ndarray of shape (K, code_size)
        beams : int
            Number of beginnings of a sentence that are continued at each step. With one, each step takes the most
            probable word (greedy search), and the sentence need not be the most probable one.

        Returns
        -------
        list of (str, float)
        """
        return [max(found, key=lambda each: each[1]) for found in self.search(codes, beams)]

    def search(self, codes: Array, beams: int) -> list[list[tuple[str, float]]]:
        """Return up to `beams` sentences about each region, with the logarithms of their probabilities."""
        K = len(codes)
        h, c = self.lstm.start(K)
        region = self.image(codes)
        h, c = self.lstm.step(region, h, c)
        owner = np.arange(K)  # the region of each beginning
        words = np.zeros((K, 0), np.int64)
        total = np.zeros(K)  # logarithm of the probability of each beginning
        finished: list[list[tuple[str, float]]] = [[] for _ in range(K)]
        last = np.full(K, self.boundary)
        for length in range(self.max_words + 1):
            if len(owner) == 0:
                break
            x = self.words(last)
            if self.look == "always":
                x = x + region[to_device_of(owner, region)]
            h, c = self.lstm.step(x, h, c)
            next_words = np.log(np.maximum(ops.softmax(on_host(self.scores(h))), 1e-30))
            if length == self.max_words:  # only END can follow
                next_words[:, : self.boundary] = -np.inf
            scores = total[:, None] + next_words  # (beginnings, words + 1)
            rows, columns = _best(scores, owner, [beams - len(each) for each in finished])
            sentences, total = words[rows], scores[rows, columns]
            ended = columns == self.boundary
            for row in np.flatnonzero(ended):
                sentence = " ".join(self.vocabulary[number] for number in sentences[row])
                finished[owner[rows[row]]].append((sentence, float(total[row])))
            going = rows[~ended]
            words = np.column_stack([sentences[~ended], columns[~ended]])
            owner, total, last = owner[going], total[~ended], columns[~ended]
            h, c = (state[to_device_of(going, state)] for state in (h, c))
        return finished


def _best(scores: Array, owner: Array, counts: Sequence[int]) -> tuple[Array, Array]:
    """Return beginnings (rows) and next words (columns) with the best scores: `counts` of them for each owner."""
    rows, columns = [], []
    for k in np.unique(owner):
        mine = np.flatnonzero(owner == k)
        order = np.argsort(-scores[mine], axis=None, kind="stable")[: counts[k]]
        row, column = np.unravel_index(order, (len(mine), scores.shape[1]))
        possible = scores[mine[row], column] > -np.inf
        rows.append(mine[row[possible]])
        columns.append(column[possible])
    return np.concatenate(rows), np.concatenate(columns)
