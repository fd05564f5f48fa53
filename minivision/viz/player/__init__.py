"""Players: a traced run to step through and to ask, in a page, a notebook or a film. Begin with ``player.py``."""
