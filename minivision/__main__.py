"""``python -m minivision``."""

import sys

from minivision.cli import main

if __name__ == "__main__":
    sys.exit(main())
