"""Mistakes with a known face: from a wrong result, what was probably written.

A face is claimed only when it explains the wrong numbers to rounding: chance does not do that.
"""

import inspect
import textwrap

from minivision.checks.diagnoses import box_conventions as faces_boxes
from minivision.checks.diagnoses import faces, faces_detection, faces_positions
from minivision.checks.diagnoses.accumulation import overwritten
from minivision.checks.diagnoses.scale import constant_factor, factor_along_an_axis, term_along_an_axis
from minivision.checks.diagnoses.settings import other_arrays, other_settings

NO_KNOWN_FACE = "No mistake we know by its face; the elements above are the worst."

# The more specific face comes first, and wins. Faces of a wrong shape, of wrong integers (positions and labels, with
# which no arithmetic is done), of wrong numbers:
_SHAPES = (faces.unsummed, faces.cropped, faces_boxes.suppressed_otherwise, other_settings, faces.reordered)
_POSITIONS = (
    faces_boxes.suppressed_otherwise,
    faces_detection.one_value_for_another,
    other_settings,
    other_arrays,
    faces.other_positions,
    faces_positions.in_the_padded_map,
    faces_boxes.equal_places,
)
_NUMBERS = (
    faces.not_updated,
    faces.all_zero,
    other_settings,
    faces_boxes.weights_otherwise,
    faces_boxes.boxes_otherwise,
    faces_boxes.another_format,
    faces_boxes.regions_otherwise,
    other_arrays,
    faces_positions.other_indices,
    faces.imprecise,
    faces.one_image,
    faces.reordered,
    constant_factor,
    factor_along_an_axis,
    term_along_an_axis,
    overwritten,
    faces.shifted,
    faces.cut_at_zero,
)
_WITH_WITNESSES = (
    constant_factor,
    other_settings,
    faces_boxes.boxes_otherwise,
    faces_boxes.regions_otherwise,
    faces_boxes.suppressed_otherwise,
    faces_boxes.weights_otherwise,
    faces_detection.one_value_for_another,
)
# These say where to look rather than what was written.
_VAGUE = (
    faces.border,
    faces.not_finite,
    faces.scattered,
    faces_detection.nothing_there,
    faces_detection.something_there,
)


def diagnose(evidence, others=()):
    """Say what a wrong result looks like.

    Parameters
    ----------
    evidence : Evidence
        The result, wrong somewhere.
    others : sequence of Evidence
        The same result, wrong for other arguments too: they tell apart what is the same in one case ("2" or "the batch
        size"?).

    Returns
    -------
    str or None
        The diagnosis of the most specific face; None when it has none that is known.
    """
    return diagnose_cases([evidence], others)[0]


def diagnose_cases(cases, others=()):
    """Say what a result looks like that is wrong in several cases; return also the place in `cases` that shows it."""
    for vague in (False, True):
        for place, evidence in enumerate(cases):
            witnesses = [other for other in (*cases, *others) if other is not evidence]
            for face in _faces(evidence, vague):
                sentence = face(evidence, witnesses) if face in _WITH_WITNESSES else face(evidence)
                if sentence:
                    return sentence, place
    return None, 0


def _faces(evidence, vague):
    if not evidence.same_shape:
        return () if vague else _SHAPES
    if not evidence.wrong.any():  # to the tolerance at which faces are compared, nothing is
        return (faces.imprecise,)
    if evidence.expected.dtype.kind != "f":
        return () if vague else _POSITIONS
    return _VAGUE if vague else _NUMBERS


def dtype_diagnosis(got, expected):
    """Say what a lost dtype looks like; `got` and `expected` are dtypes of arrays."""
    if got.kind in "iub":
        return (
            f"The array was made for whole numbers, so everything after the decimal point is cut off. "
            f"Make it with dtype=x.dtype, here {expected}."
        )
    if got.itemsize > expected.itemsize:
        return (
            f"{expected} went in, {got} came out: np.zeros(shape) and np.empty(shape) make float64 unless they are "
            "told dtype=x.dtype; np.zeros_like(x) keeps it."
        )
    return f"The precision of {expected} is lost on the way: look for a fixed dtype such as np.float32."


def input_diagnosis(name):
    """Say what may have written to the input `name`."""
    return (
        f"{name} belongs to the caller. A slice of it is a view of the same memory, so that `{name}[...] = ...`, "
        f"`{name} += ...` and `out={name}` change it: work on {name}.copy(), or write to an array of your own."
    )


def exception_diagnosis(error, op):
    """Say what an exception that a function raised may come from; None where it says all there is to say."""
    message = str(error)
    if isinstance(error, RecursionError):
        return (
            "It calls an operation of minivision.ops that leads back to itself: on this backend "
            f"minivision.ops.{op.__name__} is this very function."
        )
    if "cannot reshape array of size 0" in message:
        return "There may be no image at all (N = 0), and then NumPy cannot tell what -1 stands for: write the size."
    optional = [name for name, parameter in inspect.signature(op).parameters.items() if parameter.default is None]
    if isinstance(error, TypeError) and "NoneType" in message and optional:
        return (
            f"What was not given is None, and here that may be {' or '.join(optional)}: ask for it with `is not None`."
        )
    return None


def paragraph(diagnosis):
    """Return a diagnosis as lines to put below a message; nothing for None."""
    if not diagnosis:
        return ""
    return "\n" + textwrap.fill(diagnosis, width=110, initial_indent="  → ", subsequent_indent="    ")
