"""Base classes of the systems: what they have in common, from the interface of every system down to single shots."""
