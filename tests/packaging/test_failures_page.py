"""The faults of the page of failures: each is found, and no check of them ends with an error of its own."""

import sys
from pathlib import Path

import pytest

from minivision.checks import check_operation
from minivision.core.temporary_backend import temporary_backend

EXTENSIONS = Path(__file__).parents[2] / "docs" / "_ext"
sys.path.insert(0, str(EXTENSIONS))
from faults import FAULTS  # noqa: E402

sys.path.remove(str(EXTENSIONS))


@pytest.mark.parametrize(("fault", "operation"), FAULTS.items(), ids=lambda value: getattr(value, "__name__", value))
def test_every_fault_is_found(fault, operation):
    with temporary_backend("faulty", {operation: fault}, otherwise="numba") as backend:
        report = check_operation(operation, backend)
    assert not report.passed and report.failures
