"""ONNX's reference evaluator and ONNX Runtime."""

import pytest


def run_onnx(kind, inputs, outputs, *, runtime=False, **attributes):
    """Let ONNX's reference evaluator, or ONNX Runtime, run one node; an output called "indices" is of integers."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    types = {name: helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in inputs.items()}
    result_type = next(iter(types.values()))
    graph = helper.make_graph(
        [helper.make_node(kind, list(inputs), outputs, **attributes)],
        "one node",
        [helper.make_tensor_value_info(name, kind_of_number, None) for name, kind_of_number in types.items()],
        [
            helper.make_tensor_value_info(name, onnx.TensorProto.INT64 if name == "indices" else result_type, None)
            for name in outputs
        ],
    )
    if not runtime:
        evaluator = pytest.importorskip("onnx.reference").ReferenceEvaluator
        return evaluator(helper.make_model(graph)).run(None, inputs)
    onnxruntime = pytest.importorskip("onnxruntime")
    # an opset and a format that any runtime of the last years reads
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)
