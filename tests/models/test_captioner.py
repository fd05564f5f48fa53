"""The captioner: its words, its losses and gradients, greedy search and beam search against all sentences there are."""

import itertools

import numpy as np
import pytest

from minivision import ops
from minivision.models.parts.captioner import PADDING, Captioner, words_of

WORDS = ("a", "red", "star")


def small(words=WORDS, max_words=3, seed=0):
    captioner = Captioner(5, words, width=4, hidden=6, max_words=max_words, rng=np.random.default_rng(seed))
    for parameter in captioner.parameters():
        parameter.value += 0.5 * np.random.default_rng(1).standard_normal(parameter.value.shape).astype(np.float32)
    return captioner.astype(np.float64)


def test_sentences_become_inputs_and_targets():
    captioner = small()
    inputs, targets = captioner.sample([["A red star!"], ["star"], []])
    END = captioner.boundary
    assert inputs.T.tolist() == [[END, 0, 1, 2], [END, 2, END, END], [END] * 4]
    assert targets.T.tolist() == [[0, 1, 2, END], [2, END, PADDING, PADDING], [PADDING] * 4]


def test_unknown_words_are_left_out_and_long_sentences_end_early():
    _, targets = small().sample([["a very red star star a"]])
    assert targets[:, 0].tolist() == [0, 1, 2, 3]
    assert words_of("The cat's tail - on 2 T-shirts.") == ["the", "cat's", "tail", "on", "2", "t", "shirts"]


def test_captions_of_an_object_are_drawn():
    captioner = small()
    drawn = {captioner.sample([["a", "red", "star"]])[1][0, 0] for _ in range(40)}
    assert drawn == {0, 1, 2}


def test_gradients_of_codes_and_parameters_equal_differences(rng):
    captioner, codes = small(), rng.standard_normal((3, 5))
    inputs, targets = captioner.sample([["a red star"], ["star"], []])

    def loss():
        return captioner.losses(captioner.forward(codes, inputs), targets)[0]["caption"]

    _, dscores = captioner.losses(captioner.forward(codes, inputs, training=True), targets)
    dcodes = captioner.backward(dscores)
    assert captioner.leftovers() == []
    assert not dcodes[2].any() and abs(dcodes[:2]).max() > 1e-3  # the third region is not spoken about
    arrays = [(codes, dcodes), *((each.value, each.grad) for each in captioner.parameters())]
    for array, gradient in arrays:
        for place in rng.choice(array.size, min(array.size, 4), replace=False):
            slopes = []
            for step in (1e-6, -1e-6):
                array.flat[place] += step
                slopes.append(loss() / (2 * step))
                array.flat[place] -= step
            assert sum(slopes) == pytest.approx(gradient.flat[place], rel=1e-5, abs=1e-8)


def chance(captioner, codes, sentence):
    """Return the logarithm of the probability of a sentence, numbers of words, about one region."""
    inputs = np.array([[captioner.boundary, *sentence]]).T
    chances = np.log(ops.softmax(captioner.forward(codes, inputs)))
    return sum(chances[t, word] for t, word in enumerate([*sentence, captioner.boundary][: captioner.max_words + 1]))


@pytest.mark.parametrize("seed", range(6))
def test_a_search_with_many_beams_finds_the_most_probable_of_all_sentences(seed, rng):
    captioner, codes = small(seed=seed), rng.standard_normal((2, 5))
    everything = [s for n in range(4) for s in itertools.product(range(3), repeat=n)]
    found = captioner.write(codes, beams=60)
    for k, (sentence, log_probability) in enumerate(found):
        best = max(everything, key=lambda s, k=k: chance(captioner, codes[k : k + 1], s))
        assert sentence == " ".join(WORDS[number] for number in best)
        assert log_probability == pytest.approx(chance(captioner, codes[k : k + 1], best), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_greedy_search_takes_the_most_probable_word_at_each_step(seed, rng):
    captioner, codes = small(seed=seed), rng.standard_normal((4, 5))
    for k, (sentence, _) in enumerate(captioner.write(codes)):
        words = []
        while len(words) < captioner.max_words:
            inputs = np.array([[captioner.boundary, *words]]).T
            word = int(captioner.forward(codes[k : k + 1], inputs)[-1].argmax())
            if word == captioner.boundary:
                break
            words.append(word)
        assert sentence == " ".join(WORDS[number] for number in words)


def test_more_beams_never_find_a_worse_sentence_than_all_of_them(rng):
    captioner, codes = small(seed=2), rng.standard_normal((5, 5))
    best = [value for _, value in captioner.write(codes, beams=60)]
    for beams in (1, 2, 3):
        assert all(value <= top + 1e-12 for (_, value), top in zip(captioner.write(codes, beams), best, strict=True))


def test_no_regions_have_no_sentences():
    assert small().write(np.zeros((0, 5))) == []
    assert small(words=()).write(np.zeros((2, 5)))[0][0] == ""  # no words: it can only end
