"""Worker processes that end with the process that started them."""

from __future__ import annotations

import os
import threading
import time

SECONDS = 1.0  # between two looks


def end_with_parent() -> None:
    """End this process soon after its parent has ended, however that ended.

    A worker of a ProcessPoolExecutor waits for its next task for ever if its parent is killed.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:  # an orphan gets another parent
            time.sleep(SECONDS)
        os._exit(1)

    if hasattr(os, "fork"):  # on Windows the number of the parent stays, and it ends its workers itself
        threading.Thread(target=watch, daemon=True).start()
