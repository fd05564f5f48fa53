"""Write caption_values.json: METEOR (exact and stem), BLEU, CIDEr-D and stems, as other packages give them.

Run with NLTK 3.10.4, sacreBLEU 2.6.0 and pycocoevalcap 1.2 (whose Cider is CIDEr-D):
``python tests/metrics/make_caption_values.py``. WordNet, which NLTK would have to download, is replaced by one without
synonyms.
"""

import json
import pathlib
import random

import sacrebleu
from nltk.stem.porter import PorterStemmer
from nltk.translate.bleu_score import corpus_bleu
from nltk.translate.meteor_score import meteor_score
from pycocoevalcap.cider.cider import Cider

WORDS = "a the big red star stars raised raising arms left of another ring disc partly hidden hiding by".split()
STEMMED = (
    "caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned "
    "falling hissing fizzed failing filing happy sky relational conditional rational valenci hesitanci digitizer "
    "conformabli radicalli differentli vileli analogousli vietnamization predication operator feudalism decisiveness "
    "hopefulness callousness formaliti sensitiviti sensibiliti triplicate formative formalize electriciti electrical "
    "hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant replacement "
    "adjustment dependent adoption homologou communism activate angulariti homologous effective bowdlerize probate "
    "rate cease controll roll raised hiding triangles circles textured partly corners"
).split()  # most are the examples of Porter's paper


class NoSynonyms:
    def synsets(self, word):
        return []


def main():
    rng = random.Random(0)
    draw = lambda: [rng.choice(WORDS) for _ in range(rng.randint(1, 9))]
    pairs = [(draw(), [draw() for _ in range(rng.randint(1, 3))]) for _ in range(120)]
    pairs += [("a red star left of a ring".split(), ["a big red star left of a blue ring".split()])]
    alike = [([*reference[0][:6], rng.choice(WORDS)], reference) for _, reference in pairs]  # so that 4 words agree
    hypotheses, references = [hypothesis for hypothesis, _ in alike], [reference for _, reference in alike]
    most = max(map(len, references))
    streams = [[" ".join(each[min(k, len(each) - 1)]) for each in references] for k in range(most)]
    bleu = sacrebleu.corpus_bleu(
        list(map(" ".join, hypotheses)), streams, tokenize="none", smooth_method="none", force=True
    )
    porter = PorterStemmer(mode=PorterStemmer.ORIGINAL_ALGORITHM)
    values = {
        "meteor": [
            [each, others, meteor_score(others, each, stemmer=porter, wordnet=NoSynonyms())] for each, others in pairs
        ],
        "bleu": {
            "pairs": alike,
            "nltk": [corpus_bleu(references, hypotheses, weights=[1 / n] * n) for n in (1, 2, 3, 4)],
            "sacrebleu": bleu.score / 100,
        },
        "cider": Cider()
        .compute_score(
            {k: list(map(" ".join, others)) for k, others in enumerate(references)},
            {k: [" ".join(hypothesis)] for k, hypothesis in enumerate(hypotheses)},
        )[1]
        .tolist(),
        "stems": {word: porter.stem(word) for word in STEMMED},
    }
    path = pathlib.Path(__file__).with_name("caption_values.json")
    path.write_text(json.dumps(values) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
