"""Which diagnoses are tried on a wrong result, and in which order."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from minivision.checks.diagnoses.accumulation import overwritten
from minivision.checks.diagnoses.borders import border_wrong
from minivision.checks.diagnoses.box_conventions import (
    another_format,
    boxes_otherwise,
    epsilon_in_union,
    regions_otherwise,
    weights_otherwise,
)
from minivision.checks.diagnoses.confusions import (
    arguments_confused,
    arguments_transformed,
    columns_in_another_order,
    result_transformed,
    rows_in_another_order,
)
from minivision.checks.diagnoses.flips_and_transposes import (
    argument_flipped_or_transposed,
    result_flipped_or_transposed,
)
from minivision.checks.diagnoses.groups import channels_summed_apart, groups_confused
from minivision.checks.diagnoses.missing_parts import (
    all_images_together,
    all_zero,
    only_one_image,
    zeros_expected,
    zeros_left,
)
from minivision.checks.diagnoses.positions import (
    blocks_reshaped,
    counted_in_padded_map,
    counted_otherwise,
    indices_misread,
    other_of_equal_maxima,
    scattered,
    shifted,
)
from minivision.checks.diagnoses.recurrence import branch_missing, gates_in_another_order, tanh_of_cell_missing
from minivision.checks.diagnoses.scale import constant_factor, factor_along_an_axis, term_along_an_axis
from minivision.checks.diagnoses.settings import other_settings
from minivision.checks.diagnoses.shape import (
    cut_to_nothing,
    last_rows_missing,
    padding_added,
    shape_of_another_array,
    size_rounded_up,
    sum_missing,
)
from minivision.checks.diagnoses.side_effects import not_updated
from minivision.checks.diagnoses.suppression import suppressed_otherwise
from minivision.checks.diagnoses.values import (
    compared_otherwise,
    cut_at_zero,
    low_precision,
    not_finite,
    one_label_for_another,
)

if TYPE_CHECKING:
    from minivision.checks.evidence import Evidence

    Diagnosis: TypeAlias = Callable[[Evidence, Sequence[Evidence]], "str | None"]

NO_DIAGNOSIS = "This does not match any mistake we recognize; the worst elements are listed above."

# The more specific diagnosis comes first, and wins.
WRONG_SHAPE = (
    cut_to_nothing,
    sum_missing,
    last_rows_missing,
    size_rounded_up,
    padding_added,
    suppressed_otherwise,
    other_settings,
    arguments_confused,
    result_flipped_or_transposed,
    shape_of_another_array,
)
WRONG_INTEGERS = (  # indices and labels, with which no arithmetic is done
    suppressed_otherwise,
    other_settings,
    arguments_confused,
    compared_otherwise,
    one_label_for_another,
    argument_flipped_or_transposed,
    counted_otherwise,
    counted_in_padded_map,
    other_of_equal_maxima,
)
WRONG_NUMBERS = (
    not_updated,
    all_zero,
    gates_in_another_order,
    tanh_of_cell_missing,
    branch_missing,
    indices_misread,
    groups_confused,
    channels_summed_apart,
    rows_in_another_order,
    columns_in_another_order,
    other_settings,
    arguments_confused,
    weights_otherwise,
    epsilon_in_union,
    boxes_otherwise,
    another_format,
    regions_otherwise,
    compared_otherwise,
    argument_flipped_or_transposed,
    blocks_reshaped,
    low_precision,
    constant_factor,
    arguments_transformed,
    result_transformed,
    only_one_image,
    all_images_together,
    result_flipped_or_transposed,
    factor_along_an_axis,
    term_along_an_axis,
    overwritten,
    shifted,
    cut_at_zero,
)
# These name the place of a mistake rather than the mistake; they are tried when no case has another diagnosis.
WRONG_NUMBERS_SOMEWHERE = (
    border_wrong,
    not_finite,
    scattered,
    zeros_left,
    zeros_expected,
)


# These compare all cases themselves, or say no more than what is seen in one case.
_COMPARE_CASES = {
    suppressed_otherwise,
    other_settings,
    arguments_confused,
    arguments_transformed,
    argument_flipped_or_transposed,
    result_flipped_or_transposed,
    weights_otherwise,
    boxes_otherwise,
    regions_otherwise,
    compared_otherwise,
    one_label_for_another,
    constant_factor,
    overwritten,
    cut_at_zero,
    cut_to_nothing,
    low_precision,
    shifted,
    last_rows_missing,
    padding_added,
    shape_of_another_array,
    sum_missing,
    *WRONG_NUMBERS_SOMEWHERE,
}
MIN_DIFFERENT, MIN_WRONG = 5, 3  # numbers of a case that can speak against a diagnosis


def diagnose(evidence: Evidence, others: Sequence[Evidence] = ()) -> str | None:
    """Return what was probably written, from a wrong result.

    Parameters
    ----------
    evidence : Evidence
        The wrong result.
    others : sequence of Evidence
        The same result for other arguments, wrong or right. A cause that does not explain all of them is not told; they
        decide where one case leaves several possibilities: is it a factor 2, or the batch size?

    Returns
    -------
    diagnosis : str or None
        The most specific diagnosis; None when there is none.
    """
    return diagnose_cases([evidence], others)[0]


def diagnose_cases(cases: Sequence[Evidence], others: Sequence[Evidence] = ()) -> tuple[str | None, int]:
    """Return the diagnosis of a result that is wrong in several cases.

    Parameters
    ----------
    cases : sequence of Evidence
        The cases that are diagnosed.
    others : sequence of Evidence
        Further cases, wrong or right, which only confirm or refute a diagnosis.

    Returns
    -------
    diagnosis : str or None
    place : int
        Index in `cases` of the one that the diagnosis is about.
    """
    for vague in (False, True):
        for place, evidence in enumerate(cases):
            other_cases = [other for other in (*cases, *others) if other is not evidence]
            for diagnosis in _diagnoses_for(evidence, vague):
                sentence = diagnosis(evidence, other_cases)
                if sentence and (diagnosis in _COMPARE_CASES or _confirmed(diagnosis, sentence, evidence, other_cases)):
                    return sentence, place
    return None, 0


def _confirmed(diagnosis, sentence, evidence, others):
    """Return whether a diagnosis says the same about all other cases that are wrong in this way.

    A case with few numbers that are wrong, or different, says nothing.
    """
    for other in others:
        if other.is_right or other.same_shape != evidence.same_shape:
            continue
        told = diagnosis(other, ())
        if told is None:
            says_little = np.unique(other.expected).size < MIN_DIFFERENT
            if says_little or other.same_shape and other.wrong.sum() < MIN_WRONG:
                continue
        if told is None or _without_numbers(told) != _without_numbers(sentence):
            return False
    return True


def _without_numbers(sentence):
    """Return a sentence without what differs between two cases of the same mistake."""
    return re.sub(r"[-(]*\d[-\d., /()]*", "#", sentence)


def _diagnoses_for(evidence: Evidence, vague: bool) -> tuple[Diagnosis, ...]:
    if not evidence.same_shape:
        return () if vague else WRONG_SHAPE
    if not evidence.wrong.any():  # nothing is, to the tolerance of diagnoses
        return (low_precision,)
    if evidence.expected.dtype.kind != "f":
        return () if vague else WRONG_INTEGERS
    return WRONG_NUMBERS_SOMEWHERE if vague else WRONG_NUMBERS


def paragraph(diagnosis: str | None) -> str:
    """Return a diagnosis as lines to print below a message; an empty string for None."""
    if not diagnosis:
        return ""
    return "\n" + textwrap.fill(diagnosis, width=110, initial_indent="  → ", subsequent_indent="    ")
