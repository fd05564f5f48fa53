"""ONNX's own evaluator as an oracle."""

import pytest


def run_onnx(kind, inputs, outputs, **attributes):
    """Let ONNX's reference evaluator run one node; an output called "indices" is of integers."""
    onnx = pytest.importorskip("onnx")
    evaluator = pytest.importorskip("onnx.reference").ReferenceEvaluator
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
    return evaluator(helper.make_model(graph)).run(None, inputs)
