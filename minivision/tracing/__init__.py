"""Run an operation step by step on numbers that record how they were computed."""

from minivision.tracing.number import Padding, Traced, symbols, traced
from minivision.tracing.panels import Panel
from minivision.tracing.steps import Step
from minivision.tracing.trace import Trace

__all__ = ["Padding", "Panel", "Step", "Trace", "Traced", "symbols", "traced"]
