"""torchvision's results, as make_torchvision_values.py stored them."""

import json
import pathlib

import numpy as np

_FILE = pathlib.Path(__file__).parent / "data" / "torchvision.npz"


def torchvision_cases(operation):
    """Return the stored cases of an operation: lists of ``(arguments, keywords, results)``."""
    with np.load(_FILE) as stored:
        cases = json.loads(str(stored["index"]))["cases"]
        return [
            ([stored[name] for name in case["arguments"]], case["keywords"], [stored[name] for name in case["results"]])
            for case in cases
            if case["operation"] == operation
        ]
