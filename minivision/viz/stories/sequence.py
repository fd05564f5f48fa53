"""A recurrence as a story: a hidden state that is read and written again at each moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from minivision.core.types import Array
from minivision.viz.stories.story import Story, as_link

MAX_MOMENTS, MAX_NUMBERS = 60, 256
LEGEND = [["positive", "above 0"], ["negative", "below 0"]]


def play_sequence(
    states: npt.ArrayLike,
    *,
    inputs: Sequence[str] | Sequence[Array],
    outputs: Sequence[str] | None = None,
    says: Sequence[str] | None = None,
    title: str = "A recurrence over time",
    image: Array | None = None,
) -> Story:
    """Play a recurrence: at each moment an input and the last hidden state make the next one, and an output.

    Parameters
    ----------
    states : ndarray of shape (T + 1, D) or (T + 1, H, W)
        The hidden state before the first moment, and after each.
    inputs : T texts, or T uint8 images of shape (H, W, 3)
        What comes in: words, or pictures.
    outputs : T texts, optional
        What comes out, such as the most probable word.
    says : T texts, optional
        A sentence about each moment; by default one that names input and output.
    title : str
        Heading.
    image : uint8 ndarray of shape (H, W, 3), optional
        A picture that the sequence is about.

    Returns
    -------
    Story
        A notebook displays it; ``save("captions.html")`` writes a page.

    Raises
    ------
    ValueError
        If the numbers of states, inputs, outputs and sentences do not fit, a state is not finite, or they are too many
        to be drawn.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.viz import play_sequence
    >>> states = np.tanh(np.cumsum(np.ones((4, 8)), axis=0) - 2)
    >>> story = play_sequence(states, inputs=["START", "a", "disc"], outputs=["a", "disc", "END"])
    >>> len(story.data["tracks"][0])
    4
    """
    try:
        states = np.asarray(states, np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"states: expected an array of numbers ({error})") from None
    if states.ndim not in (2, 3) or not 1 < len(states) <= MAX_MOMENTS + 1 or not 0 < states[0].size <= MAX_NUMBERS:
        raise ValueError(
            f"states: expected shape (T + 1, D) or (T + 1, H, W) with 1 to {MAX_MOMENTS} moments and at most "
            f"{MAX_NUMBERS} numbers in each state, got {states.shape}"
        )
    if not np.isfinite(states).all():
        raise ValueError("states: expected finite numbers; find the origin of NaN or infinity first")
    moments = len(states) - 1
    for name, each in (("inputs", inputs), ("outputs", outputs), ("says", says)):
        if isinstance(each, str):
            raise TypeError(f"{name}: expected a list, one for each state but the first, got the text {each!r}")
        if each is not None and len(each) != moments:
            raise ValueError(f"{name}: expected {moments}, one for each state but the first, got {len(each)}")
    texts = [one if isinstance(one, str) else None for one in inputs]
    said = says if says is not None else [_sentence(t, texts[t], outputs) for t in range(moments)]
    steps: list[dict[str, Any]] = [
        {"say": "Before the first moment: the hidden state is where it begins.", "moment": 0}
    ]
    steps += [{"say": say, "moment": t + 1} for t, say in enumerate(said)]
    rows, columns = states.shape[1:] if states.ndim == 3 else _shape(states.shape[1])
    return Story(
        {
            "title": title,
            "image": None if image is None else as_link(image),
            "sequence": {
                "shape": [rows, columns],
                "states": [[float(f"{value:.5g}") for value in state.ravel()] for state in states],
                "inputs": [
                    text if text is not None else {"picture": as_link(cast("Array", one), f"inputs[{t}]")}
                    for t, (text, one) in enumerate(zip(texts, inputs, strict=True))
                ],
                "outputs": None if outputs is None else list(outputs),
            },
            "legend": LEGEND,
            "tracks": [steps],
        }
    )


def _sentence(t, text, outputs):
    came = f"“{text}” comes in" if text is not None else "a picture comes in"
    gone = f", and “{outputs[t]}” comes out" if outputs is not None else ""
    return f"Moment {t + 1}: {came}, the hidden state changes{gone}."


def _shape(count):
    """Return rows and columns of a picture of so many numbers: a column, or several beside one another."""
    columns = max(1, round((count / 3) ** 0.5)) if count > 12 else 1
    return -(-count // columns), columns
