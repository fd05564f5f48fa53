"""Signatures are read without evaluating annotations, as Python 3.14 would."""

import inspect
import sys
import types

from minivision.core.signatures import signature


def test_python_314_is_asked_for_names_alone(monkeypatch):
    module = types.ModuleType("annotationlib")
    module.Format = types.SimpleNamespace(FORWARDREF="forwardref")
    monkeypatch.setitem(sys.modules, "annotationlib", module)
    real = inspect.signature

    def evaluating(function, *, annotation_format=None):
        if annotation_format != "forwardref":
            raise NameError("name 'NDArray' is not defined")
        return real(function)

    monkeypatch.setattr(inspect, "signature", evaluating)
    assert list(signature(lambda x, *, stride=1: x).parameters) == ["x", "stride"]
