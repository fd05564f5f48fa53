"""Ranks that are threads of this process, and pass arrays to each other through queues: a stand-in for MPI."""

import contextvars
import queue
import threading

from minivision.core.ranks import Ranks, using_ranks

PATIENCE = 60  # seconds


class ThreadRanks(Ranks):
    def __init__(self, rank, mailboxes):
        self.rank, self.size = rank, len(mailboxes)
        self.mailboxes = mailboxes  # mailboxes[q][r]: what q sent to r
        self.sent = 0  # bytes, to other ranks
        self.ended_with = None

    def trade(self, sent, received):
        for r, array in enumerate(sent):
            if array.size:
                self.mailboxes[self.rank][r].put(array.tobytes())
                self.sent += array.nbytes if r != self.rank else 0
        for q, array in enumerate(received):
            if array.size:
                data = self.mailboxes[q][self.rank].get(timeout=PATIENCE)
                assert len(data) == array.nbytes, f"rank {q} sent {len(data)} bytes, not {array.nbytes}"
                array.reshape(-1).view("u1")[...] = memoryview(data)

    def describe(self):
        return f"{self.size} threads"

    def end_all(self, code):
        self.ended_with = code


def on_ranks(size, function):
    """Return ``[function(ranks of thread r) for r in range(size)]``, called at the same time."""
    mailboxes = [[queue.SimpleQueue() for _ in range(size)] for _ in range(size)]
    results, errors = [None] * size, []

    def run(rank):
        ranks = ThreadRanks(rank, mailboxes)
        try:
            with using_ranks(ranks):
                results[rank] = function(ranks)
        except BaseException as error:
            errors.append((rank, error))

    # A thread begins with the context of this one where Python has no lock; each has one of its own anyway.
    threads = [threading.Thread(target=contextvars.Context().run, args=(run, rank)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        # An error makes the others wait in vain: the cause is the one that is no empty mailbox.
        raise min(errors, key=lambda each: isinstance(each[1], queue.Empty))[1]
    return results
