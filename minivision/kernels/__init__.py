"""How the operations run fast: one package for each built-in backend, one module for each module of ``ops``."""
