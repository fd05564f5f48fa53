"""Ranks that are threads of this process, and pass arrays to each other through queues: a stand-in for MPI."""

import contextvars
import queue
import threading

from minivision.core.ranks import Ranks, Trade, using_ranks

PATIENCE = 60  # seconds


class ThreadRanks(Ranks):
    def __init__(self, rank, mailboxes):
        self.rank, self.size = rank, len(mailboxes)
        self.mailboxes = mailboxes  # mailboxes[q][r]: by tag, what q sent to r
        self.sent = self.messages = 0  # bytes, and arrays, to other ranks
        self.ended_with = None

    def begin_trade(self, sent, received, tag=0):
        for r, array in enumerate(sent):
            if array.size:
                self.mailbox(self.rank, r, tag).put(array.tobytes())
                if r != self.rank:
                    self.sent += array.nbytes
                    self.messages += 1
        return ThreadTrade(self, [(q, array) for q, array in enumerate(received) if array.size], tag)

    def mailbox(self, q, r, tag):
        return self.mailboxes[q][r].setdefault(tag, queue.SimpleQueue())

    def end_all(self, code):
        self.ended_with = code


class ThreadTrade(Trade):
    def __init__(self, ranks, missing, tag):
        self.ranks, self.missing, self.tag = ranks, missing, tag  # missing: the numbers of ranks, and their arrays

    def is_done(self):
        try:
            self.receive(block=False)
        except queue.Empty:
            return False
        return True

    def wait(self):
        self.receive(timeout=PATIENCE)

    def receive(self, **how):
        while self.missing:
            q, array = self.missing[0]
            data = self.ranks.mailbox(q, self.ranks.rank, self.tag).get(**how)
            assert len(data) == array.nbytes, f"rank {q} sent {len(data)} bytes, not {array.nbytes}"
            array.reshape(-1).view("u1")[...] = memoryview(data)
            del self.missing[0]


def on_ranks(size, function):
    """Return ``[function(ranks of thread r) for r in range(size)]``, called at the same time."""
    mailboxes = [[{} for _ in range(size)] for _ in range(size)]
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
