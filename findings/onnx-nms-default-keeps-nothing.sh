#!/usr/bin/env bash
# ONNX: NonMaxSuppression with only boxes and scores keeps no box at all.
#
# One would expect: left-out optional inputs mean "no limit" and a usual overlap.
# What happens: the default of max_output_boxes_per_class is 0, and 0 means no
#   output. Give that one, and the default of iou_threshold is 0: every box that
#   touches a better one, however little, goes. The specification says so; the
#   model is valid, loads, runs and returns an empty list.
# Versions tried: onnx 1.23.2, onnxruntime 1.32.0, NumPy 2.4.6, Python 3.11.
#   Date: 2026-11-29.
# Why it matters: "the exported detector finds nothing" looks like a fault of the
#   weights or of the preprocessing, and is looked for there.
# What to do: always give max_output_boxes_per_class and iou_threshold.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${PYTHON:-python3.11}" -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install -q --disable-pip-version-check \
  numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
"$tmp/venv/bin/python" - <<'PY'
import sys
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
# The second box overlaps the first a little (IoU 0.05), the third stands alone.
given = {"boxes": np.array([[[0, 0, 10, 10], [9, 0, 19, 10], [40, 40, 50, 50]]], np.float32),
         "scores": np.array([[[0.9, 0.8, 0.7]]], np.float32)}

def kept(**more):
    feeds = {**given, **more}
    node = helper.make_node("NonMaxSuppression", list(feeds), ["kept"])
    types = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
    inputs = [helper.make_tensor_value_info(name, types[str(v.dtype)], v.shape)
              for name, v in feeds.items()]
    outputs = [helper.make_tensor_value_info("kept", TensorProto.INT64, [None, 3])]
    made = helper.make_model(helper.make_graph([node], "nms", inputs, outputs), ir_version=8,
                             opset_imports=[helper.make_opsetid("", 11)])
    onnx.checker.check_model(made)
    session = onnxruntime.InferenceSession(made.SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0][:, 2].tolist()

most, overlap = np.array([100]), np.array([0.5], np.float32)
bare, limited, full = kept(), kept(most=most), kept(most=most, overlap=overlap)
print("boxes and scores only:           kept", bare)
print("and at most 100 boxes:           kept", limited)
print("and at most 100, IoU up to 0.5:  kept", full)
if (bare, limited, full) != ([], [0, 2], [0, 1, 2]):
    sys.exit("CHANGED: the defaults of NonMaxSuppression keep other boxes.")
PY
