"""Fast implementations of the operations: one package for each built-in backend, one module for each family."""
