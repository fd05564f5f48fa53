"""Several true captions for each object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from minivision.data.captions.facts import ObjectFacts
from minivision.data.captions.grammar import NOUNS, PROPERTIES, article
from minivision.data.captions.truth import gap

__all__ = ["write_captions"]

# What is said is clearly so; `truth` accepts more.
TINY, SMALL, LARGE = 18, 25, 40  # longer side of the box, in pixels
DARK, LIGHT = 35, 72  # lightness
PLAIN, PATTERNED = 3.5, 6.0  # roughness
EDGE, MIDDLE = 0.25, 0.1  # of the picture
ALONG = 1.5  # how much further along an axis than across it a neighbor lies, of which that is said
NO_SHADE = ("black", "white")  # they have no darker or lighter kind
CAPTIONS = 4  # of an object, at most


def write_captions(facts: Sequence[ObjectFacts], rng: np.random.Generator) -> list[tuple[str, ...]]:
    """Write captions for the objects of a scene, each true, with one more part each than the plainest.

    Parameters
    ----------
    facts : sequence of ObjectFacts
        Of all objects in the scene, from `look_at`.
    rng : numpy.random.Generator
        Chooses among words of the same meaning, and among neighbors.

    Returns
    -------
    captions : list of tuple of str
        For each object two to four different captions; the first has color and noun only.
    """
    return [_captions_of(k, facts, rng) for k in range(len(facts))]


def _captions_of(k, facts, rng):
    each = facts[k]
    color, nouns = each.colors[0], [word for word, kind in NOUNS.items() if kind == each.kind]
    noun = str(rng.choice(nouns))
    shade = _shade(each, color)
    captions = [_phrase(color, noun)]
    details = [*_sizes(each, rng), *_patterns(each, rng)]
    captions += [_phrase(detail, color, noun) for detail in details]
    if shade:
        captions.append(_phrase(*details[:1], shade, color, noun))
    ends = [*_properties(each), *_relations(k, facts, rng), *_places(each)]
    if ends:
        captions.append(f"{_phrase(color, noun)} {rng.choice(ends)}")
    first, *others = dict.fromkeys(captions)
    chosen = sorted(rng.permutation(len(others))[: CAPTIONS - 1].tolist())
    return (first, *(others[place] for place in chosen))


def _phrase(*words: str) -> str:
    return f"{article(words[0])} {' '.join(words)}"


def _sizes(each: ObjectFacts, rng: np.random.Generator) -> Iterator[str]:
    if each.extent < SMALL:
        yield "tiny" if each.extent < TINY else "small"
    elif each.extent > LARGE:
        yield str(rng.choice(["large", "big"]))


def _patterns(each, rng):
    if each.roughness is not None and each.roughness < PLAIN:
        yield "plain"
    elif each.roughness is not None and each.roughness > PATTERNED:
        yield str(rng.choice(["patterned", "textured"]))


def _shade(each, color):
    if color in NO_SHADE or DARK <= each.lightness <= LIGHT:
        return None
    return "dark" if each.lightness < DARK else "light"


def _properties(each):
    if None not in each.arms and each.arms:
        yield {2: "with both arms raised", 1: "with one arm raised", 0: "with both arms down"}[sum(each.arms)]
    yield from (words for words, kind in PROPERTIES.items() if kind == each.kind and "arm" not in words)


def _relations(k, facts, rng):
    """Yield what is said of the neighbors: at most one sentence about each."""
    each = facts[k]
    for j, other in enumerate(facts):
        if j == k:
            continue
        name = f"another {other.kind}" if other.kind == each.kind else _phrase(other.colors[0], other.kind)
        if j in each.hidden_by:
            yield f"partly hidden by {name}"
        elif k in other.hidden_by:
            yield f"in front of {name}"
        elif gap(each.box, other.box) < min(each.extent, other.extent) / 2:
            yield f"next to {name}"
        else:
            dx, dy = other.center[0] - each.center[0], other.center[1] - each.center[1]
            if abs(dx) > ALONG * abs(dy):
                yield f"{'left' if dx > 0 else 'right'} of {name}"
            elif abs(dy) > ALONG * abs(dx):
                yield f"{'above' if dy > 0 else 'below'} {name}"


def _places(each):
    (x, y), (height, width) = each.center, each.image_size
    x, y = x / width, y / height
    if max(abs(x - 0.5), abs(y - 0.5)) < MIDDLE:
        yield "in the middle"
    if y < EDGE or y > 1 - EDGE:
        yield "at the top" if y < EDGE else "at the bottom"
    if x < EDGE or x > 1 - EDGE:
        yield "on the left" if x < EDGE else "on the right"
