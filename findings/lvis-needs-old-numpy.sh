#!/usr/bin/env bash
# lvis: the package installs with a new NumPy and fails only after the matching.
#
# One would expect: what pip installs together works together.
# What happens: lvis 0.5.3 sets no upper limit for NumPy, and uses np.float in
#   accumulate(), which NumPy removed in 1.24. The import, the reading and the
#   (on LVIS long) matching all pass; then the evaluation ends with AttributeError.
#   (It also imports pycocotools, which its list of dependencies leaves out.)
# Versions tried: lvis 0.5.3 with NumPy 2.4.6, Python 3.11. Date: 2026-11-29.
# Why it matters: LVIS scores are often computed at the end of a long training
#   run, and the error comes last.
# What to do: evaluate a tiny set before training. Set np.float = float before the
#   call (shown below: it then works), or use a maintained evaluator.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 lvis==0.5.3 pycocotools==2.0.11 opencv-python==5.0.0.93
cd "$tmp"
"$tmp/venv/bin/python" - <<'PY'
import json, logging, sys
from importlib.metadata import version
import numpy as np
from lvis import LVIS, LVISEval, LVISResults

logging.disable(logging.WARNING)
print("lvis", version("lvis"), "numpy", np.__version__)
box = [20, 20, 40, 40]
truth = {
    "images": [{"id": 1, "width": 200, "height": 200,
                "neg_category_ids": [], "not_exhaustive_category_ids": []}],
    "categories": [{"id": 1, "name": "spoon", "frequency": "f"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 1600,
                     "segmentation": [[20, 20, 60, 20, 60, 60, 20, 60]]}]}
with open("truth.json", "w") as file:
    json.dump(truth, file)

def evaluate():
    gt = LVIS("truth.json")
    run = LVISEval(gt, LVISResults(gt, [{"image_id": 1, "category_id": 1,
                                         "score": 0.9, "bbox": box}]), "bbox")
    step = "evaluate"
    try:
        run.evaluate()
        step = "accumulate"
        run.accumulate()
        run.summarize()
    except AttributeError as error:
        return f"AttributeError in {step}: {str(error).splitlines()[0]}"
    return f"AP {run.results['AP']:.3f}"

plain = evaluate()
np.float = float
mended = evaluate()
print("as installed:         ", plain)
print("with np.float = float:", mended)
if not plain.startswith("AttributeError in accumulate") or mended != "AP 1.000":
    sys.exit("CHANGED: the LVIS evaluation now works with this NumPy, or fails elsewhere.")
PY
