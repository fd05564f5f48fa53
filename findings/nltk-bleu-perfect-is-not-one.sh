#!/usr/bin/env bash
# nltk: captions equal to their references have a corpus BLEU below 1 if one of
#   them has fewer than four words.
#
# One would expect: candidates that are word by word their references get 1.
# What happens: BLEU-4 counts runs of four words. A sentence of three words has
#   none, and sacreBLEU counts none. nltk's corpus_bleu counts one that is not
#   found, so a corpus with short sentences has a lower score whatever is said.
# Versions tried: nltk 3.9.1, sacrebleu 2.5.1, Python 3.11. Date: 2026-11-29.
# Why it matters: captions of regions ("a red star") are short. The BLEU-4 of the
#   same captions differs by several points between papers that use the one or
#   the other, and no model can reach 1 in nltk's.
# What to do: say which program computed BLEU; for short captions take sacreBLEU
#   or COCO's evaluation, or leave out sentences of fewer than four words.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check nltk==3.9.1 sacrebleu==2.5.1
"$tmp/venv/bin/python" - <<'PY'
import sys
import nltk
import sacrebleu
from nltk.translate.bleu_score import corpus_bleu

print("nltk", nltk.__version__, "sacrebleu", sacrebleu.__version__)
sentences = ["a small red star left of a blue ring", "a red star"]
words = [sentence.split() for sentence in sentences]
theirs = corpus_bleu([[each] for each in words], words)
other = sacrebleu.corpus_bleu(sentences, [sentences], tokenize="none", smooth_method="none")
print(f"sentences compared with themselves: nltk {theirs:.3f}, sacreBLEU {other.score / 100:.3f}")
print("runs of 1, 2, 3, 4 words that sacreBLEU counts:", other.totals)
long_alone = corpus_bleu([[words[0]]], words[:1])
print(f"without the short sentence: nltk {long_alone:.3f}")
if round(theirs, 3) != 0.962 or round(other.score) != 100 or round(long_alone, 6) != 1:
    sys.exit("CHANGED: a short sentence that is right costs nothing any more.")
PY
