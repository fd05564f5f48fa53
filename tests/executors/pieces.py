"""Pieces of work that tests hand to other processes, which import them from here."""

import os
import pathlib
import signal
import time

from minivision.data import Scenes
from minivision.executors import stop_if_cancelled


class FewScenes(Scenes):
    """Scenes of which there are five."""

    def __len__(self):
        return 5


class OddError(Exception):
    """An exception that pickle cannot make again."""

    def __init__(self, what, where):
        super().__init__(f"{what}\nat {where}")


def square(factor, piece):
    """Return a product, and the process that made it; 3 is an odd number."""
    if piece == 3:
        raise OddError("three", "the third place")
    return factor * piece * piece, os.getpid()


def numba_threads(piece):
    import numba

    return numba.config.NUMBA_NUM_THREADS


def die(piece):
    """End the process that does this piece, as the system does where memory is short."""
    if piece == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return piece


def leave_a_trace(folder, piece):
    """Write a file that says that the piece has begun, wait for long, and write another one."""
    (pathlib.Path(folder) / f"begun-{piece}").write_text(str(os.getpid()))
    time.sleep(60)
    (pathlib.Path(folder) / f"done-{piece}").touch()


def begun(folder, count, seconds=60):
    """Wait until so many pieces have left a trace; return the processes that do them."""
    for _ in range(int(20 * seconds)):
        found = [text for path in pathlib.Path(folder).glob("begun-*") if (text := path.read_text())]
        if len(found) >= count:
            return {int(each) for each in found}
        time.sleep(0.05)
    raise TimeoutError(f"fewer than {count} pieces have begun")


def is_gone(process, seconds=20):
    """Wait until a process has ended; return whether it has."""
    for _ in range(int(20 * seconds)):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def sleepy(ballast, piece):
    time.sleep(0.1)
    return piece, len(ballast)


def die_once(folder, piece):
    """End the process of the first piece that comes to this, as a machine that is switched off."""
    time.sleep(0.1)
    try:
        (pathlib.Path(folder) / "died").touch(exist_ok=False)
    except FileExistsError:
        return piece
    os.kill(os.getpid(), signal.SIGKILL)


def cancellable(folder, piece):
    """Work for long, and look now and then whether it is still wanted; say so if it is not."""
    (pathlib.Path(folder) / f"begun-{piece}").write_text(str(os.getpid()))
    try:
        for _ in range(1200):
            stop_if_cancelled()
            time.sleep(0.05)
    finally:
        (pathlib.Path(folder) / f"cancelled-{piece}").touch()
