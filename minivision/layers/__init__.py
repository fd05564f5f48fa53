"""Layers: objects that remember between the way forward and the way back."""
