"""Looking at a dataset before training: what is wrong or odd in it, and which splits it has."""

from minivision.data.inspection.dataset_check import Inspection, SplitSummary, inspect_dataset
from minivision.data.inspection.one_sample import Look
from minivision.data.inspection.splits import list_splits

__all__ = ["Inspection", "Look", "SplitSummary", "inspect_dataset", "list_splits"]
