#!/usr/bin/env bash
# ONNX: the same RoiAlign node gives other numbers when the opset goes from 10 to 16.
#
# One would expect: a node with the same name, inputs and attributes means the same.
# What happens: opset 16 added the attribute coordinate_transformation_mode, whose
#   default "half_pixel" shifts boxes by half a pixel; until then there was no
#   shift. ONNX's own converter knows this and writes "output_half_pixel"; a hand
#   that only raises the opset number, or builds the node anew, does not.
# Versions tried: onnx 1.23.2, onnxruntime 1.32.0, NumPy 2.4.6, Python 3.11.
#   Date: 2026-11-29.
# Why it matters: the second stage of Mask R-CNN then sees features half a cell
#   off (8 pixels at stride 16): no error, a few points of AP for small objects.
# What to do: always write coordinate_transformation_mode: "half_pixel" for a model
#   trained with aligned=True, "output_half_pixel" for aligned=False.
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
from onnx import TensorProto, helper, version_converter

print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
feeds = {"features": np.arange(100, dtype=np.float32).reshape(1, 1, 10, 10),
         "boxes": np.array([[2, 2, 6, 6]], np.float32), "batch": np.array([0])}

def model(opset):
    node = helper.make_node("RoiAlign", list(feeds), ["out"],
                            output_height=2, output_width=2, sampling_ratio=2)
    types = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
    inputs = [helper.make_tensor_value_info(name, types[str(v.dtype)], v.shape)
              for name, v in feeds.items()]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 1, 2, 2])]
    made = helper.make_model(helper.make_graph([node], "roi", inputs, outputs), ir_version=8,
                             opset_imports=[helper.make_opsetid("", opset)])
    onnx.checker.check_model(made)
    return made

def run(made):
    session = onnxruntime.InferenceSession(made.SerializeToString(),
                                           providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[0].ravel().tolist()

old, new = run(model(10)), run(model(16))
converted = run(version_converter.convert_version(model(10), 16))
print("opset 10:             ", old)
print("opset 16, same node:  ", new)
print("10 converted to 16:   ", converted)
if old != [33, 35, 53, 55] or new != [27.5, 29.5, 47.5, 49.5] or converted != old:
    sys.exit("CHANGED: RoiAlign gives other numbers in opset 10 or 16.")
PY
