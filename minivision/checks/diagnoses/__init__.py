"""Known mistakes: from a wrong result, what was probably written.

======================== ===============================================================================================
``shape``                a sum over axes or a reshape is missing; the last rows or columns are missing or too many;
                         a slice [p:-p] that is empty for p = 0; padding that is added where it is removed
``borders``              only the border is wrong: padding, edges
``scale``                a factor or a term is off: a division by N, 2, a sign, gamma or beta of each channel
``accumulation``         ``=`` where ``+=`` is needed: only the last, the first or one of the contributions is left
``flips_and_transposes`` a filter or a result turned by 180 degrees or mirrored; swapped axes; x and y swapped;
                         a reshape for a transpose
``groups``               groups dealt like cards, filters that use the channels of another group
``positions``            shifted maps; indices of maxima counted by the height, in the window, in the padded map, in all
                         planes; indices of another channel or image; another one of equal maxima; blocks reshaped in
                         the wrong order
``settings``             stride, padding, dilation, reduction, a bias or a weight ignored, swapped or confused
``confusions``           settings confused with one another or off by one; a root, a sigmoid, ... once too often; boxes
                         of a grid in another order
``box_conventions``      boxes with + 1, as corner and size or center and size; weights; rounded regions
``suppression``          NMS with > or >=, another order, another threshold
``recurrence``           gates of an LSTM in another order, a tanh or one of two gradients missing
``values``               NaN and infinity, lower precision, a maximum that starts from 0 or of absolute values, one
                         label for another, dtypes
``missing_parts``        zero everywhere; only one image of the batch; values not written, or written where 0 is right
``side_effects``         a write to an input; an array that is not updated in place
``exceptions``           what an exception comes from: a window that is cut off, an argument that is None
======================== ===============================================================================================

``diagnose`` tries them in order, the most specific first. The diagnosis of a wrong result is a function
``(evidence, others) -> str | None``: `evidence` (:class:`minivision.checks.evidence.Evidence`) has the wrong result,
the right one and the arguments; `others` are further cases in which the same result is wrong. It returns a sentence
only when the mistake explains the wrong numbers to rounding: chance does not do that. ``other_arguments`` helps to test
it: does the reference implementation give the wrong result for other arguments?
"""

from minivision.checks.diagnoses.diagnose import NO_DIAGNOSIS, diagnose, diagnose_cases, paragraph
from minivision.checks.diagnoses.exceptions import exception_diagnosis
from minivision.checks.diagnoses.side_effects import input_diagnosis
from minivision.checks.diagnoses.values import dtype_diagnosis

__all__ = [
    "NO_DIAGNOSIS",
    "diagnose",
    "diagnose_cases",
    "dtype_diagnosis",
    "exception_diagnosis",
    "input_diagnosis",
    "paragraph",
]
