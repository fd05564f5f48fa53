"""Similarity of submissions: the token sequences that two files share, found by winnowing.

A file becomes a sequence of tokens in which names, numbers and texts do not count. Every run of ``NOISE`` tokens has a
hash; of each ``WINDOW`` neighboring hashes the smallest one is a *fingerprint*. Whatever two files share over
``NOISE + WINDOW - 1`` tokens, they share at least one fingerprint of, wherever it stands in them: other names,
layout and comments, and functions in another order, change nothing.

Source: Schleimer, Wilkerson and Aiken, "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003.
"""

import builtins
import collections
import dataclasses
import io
import itertools
import keyword
import tokenize
import zlib

from minivision.homework import source
from minivision.homework.collecting import RefusedError, collect

NOISE, WINDOW = 16, 8  # tokens; shorter matches are chance
MIN_SHARED = 3  # fingerprints of a pair that is reported
# In a class of this many, what more than this fraction of the others have too is an idiom, and does not count.
IDIOM_CLASS, IDIOM_SHARE = 8, 1 / 3
SOLUTION = "(the library's solution)"
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
_BUILTINS = frozenset(dir(builtins))


@dataclasses.dataclass(frozen=True)
class Match:
    """Two files that share fingerprints.

    Attributes
    ----------
    first, second : str
        The names of the files.
    of_first, of_second : float
        Fraction of the fingerprints of each file that the other one has too.
    lines : list of tuple
        ``((first line, last line), (first line, last line))`` in the two files, by the lines of the first.
    """

    first: str
    second: str
    of_first: float
    of_second: float
    lines: list

    @property
    def similarity(self):
        """The larger of the two fractions: a small file may be a part of a large one."""
        return max(self.of_first, self.of_second)


def tokens(text):
    """Return the tokens of a program that count: no layout, comments, docstrings, parentheses, and no names of its own.

    Names stay that nobody can choose: those after a dot (``np.zeros``, ``x.shape``), builtins and keywords.

    Parameters
    ----------
    text : str
        A program. What follows an error in it is left out.

    Returns
    -------
    tokens : list of (str, int, int)
        Token, its first and its last line.
    """
    result, before, starts_line = [], "", True
    try:
        for each in tokenize.generate_tokens(io.StringIO(text).readline):
            if each.type in _LAYOUT:
                starts_line = starts_line or each.type == tokenize.NEWLINE
                continue
            documentation = starts_line and each.type == tokenize.STRING
            starts_line = False
            if not documentation and each.string not in ("(", ")"):  # those that formatters put and take
                result.append((_plain(each, before), each.start[0], each.end[0]))
            before = each.string
    except (tokenize.TokenError, SyntaxError):  # an unfinished program
        pass
    return result


def _plain(token, before):
    if token.type == tokenize.NUMBER:
        return "0"
    if token.type == tokenize.NAME:
        kept = keyword.iskeyword(token.string) or before == "." or token.string in _BUILTINS
        return token.string if kept else "x"
    return token.string if token.type == tokenize.OP else "text"


def _hashes(text):
    """Return the hash of each run of ``NOISE`` tokens, with its first and last line."""
    all_tokens = tokens(text)
    result = []
    for k in range(len(all_tokens) - NOISE + 1):
        run = all_tokens[k : k + NOISE]
        code = zlib.crc32(" ".join(token for token, *_ in run).encode())
        result.append((code, run[0][1], run[-1][2]))
    return result


def fingerprints(text, handed_out=frozenset()):
    """Return the fingerprints of a program, and the lines of each.

    Parameters
    ----------
    text : str
    handed_out : set of int
        Hashes that do not count.

    Returns
    -------
    fingerprints : dict
        Hash -> list of ``(first line, last line)``.
    """
    hashes, chosen = _hashes(text), collections.defaultdict(list)
    last = -1
    for start in range(max(len(hashes) - WINDOW + 1, min(len(hashes), 1))):
        window = range(start, min(start + WINDOW, len(hashes)))
        smallest = min(window, key=lambda k: (hashes[k][0], -k))  # of equal ones the rightmost
        if smallest > last:
            last = smallest
            code, *lines = hashes[smallest]
            if code not in handed_out:
                chosen[code].append(tuple(lines))
    return dict(chosen)


def compare(texts, handed_out=""):
    """Compare programs in pairs.

    Parameters
    ----------
    texts : dict
        Name -> program.
    handed_out : str
        A program whose token sequences do not count: what everybody was given.

    Returns
    -------
    matches : list of Match
        Pairs that share at least ``MIN_SHARED`` fingerprints, the most similar first.
    """
    given = {code for code, *_ in _hashes(handed_out)}
    prints = {name: fingerprints(text, given) for name, text in texts.items()}
    if len(prints) >= IDIOM_CLASS:
        owners = collections.Counter(code for each in prints.values() for code in each)
        idioms = {code for code, count in owners.items() if count > IDIOM_SHARE * len(prints)}
        prints = {name: {c: lines for c, lines in each.items() if c not in idioms} for name, each in prints.items()}
    matches = []
    for one, other in itertools.combinations(sorted(prints), 2):
        shared = prints[one].keys() & prints[other].keys()
        if len(shared) >= MIN_SHARED:
            fractions = (len(shared) / len(prints[name]) for name in (one, other))
            matches.append(Match(one, other, *fractions, _lines(prints[one], prints[other], shared)))
    return sorted(matches, key=lambda match: (-match.similarity, match.first, match.second))


def _lines(one, other, shared):
    """Return the lines that match, joined where they touch in both files."""
    pairs = sorted((one[code][0], other[code][0]) for code in shared)
    joined = []
    for (start, end), (other_start, other_end) in pairs:
        if joined:
            (a, b), (c, d) = joined[-1]
            if start <= b + 1 and c - 1 <= other_start <= d + 1:
                joined[-1] = (a, max(b, end)), (c, max(d, other_end))
                continue
        joined.append(((start, end), (other_start, other_end)))
    return joined


def similar_submissions(assignment, paths):
    """Compare submissions of an assignment with each other and with the library's solution.

    Parameters
    ----------
    assignment : Assignment
    paths : sequence of path
        As :func:`minivision.homework.batch_grading.submissions` returns them.

    Returns
    -------
    matches : list of Match
    problems : list of str
        Why a submission could not be read.
    """
    texts, problems = {SOLUTION: source.solution(assignment)}, []
    for path in paths:
        try:
            texts[path.name] = collect(assignment.file, path).decode(errors="replace")
        except RefusedError as error:  # the others are compared
            problems.append(f"{error}")
    return compare(texts, source.blank(assignment)), problems
