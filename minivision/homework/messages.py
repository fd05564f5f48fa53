"""Messages between the grader and a student's process: arguments and results as bytes, without pickle.

A message is a length, a JSON text, and the contents of all arrays that the text describes, one after the other. Reading
a message from an untrusted process therefore never runs code.
"""

import contextlib
import json
import math
import os
import select
import struct
import time

import numpy as np

MAX_MESSAGE_BYTES = 1 << 27
MAX_TEXT_BYTES = 1 << 20  # of the JSON text in it: a list of small things takes fifty times its bytes in memory


class MessageError(ValueError):
    """Bytes that are not a message, or a value that cannot be sent."""


class NoAnswerError(TimeoutError):
    """The other process did not answer in time."""


class ChannelClosedError(EOFError):
    """The other process has ended, or closed its end of the pipe."""


def pack(value):
    """Return a value as bytes.

    Parameters
    ----------
    value : object
        None, a number, text, an array of numbers, a random generator; or a tuple, list or dict of these.

    Returns
    -------
    data : bytes

    Raises
    ------
    MessageError
        If the value cannot be sent.
    """
    numbers = []
    text = json.dumps(_encoded(value, numbers)).encode()
    return b"".join([struct.pack("<I", len(text)), text, *numbers])


def unpack(data, named_tuples=None):
    """Return the value that :func:`pack` turned into bytes.

    Parameters
    ----------
    data : bytes
    named_tuples : callable, optional
        ``named_tuples(module, name)`` returns the class of a named tuple. By default named tuples become tuples.

    Returns
    -------
    value : object

    Raises
    ------
    MessageError
        If the bytes are not a message.
    """
    try:
        (length,) = struct.unpack_from("<I", data)
        if length > MAX_TEXT_BYTES:
            raise ValueError(f"its text has {length} bytes; at most {MAX_TEXT_BYTES} are allowed")
        numbers = _Numbers(memoryview(data)[4 + length :])
        value = _decoded(json.loads(bytes(data[4 : 4 + length])), numbers, named_tuples)
        if numbers.data:
            raise ValueError("there are bytes after its end")
        return value
    except Exception as error:  # any that broken bytes cause
        raise MessageError(f"not a message: {error}") from None


class _Numbers:
    """The bytes of all arrays of a message, taken from its front one after the other."""

    def __init__(self, data):
        self.data = data

    def take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        return bytearray(taken)  # an array of bytes would be read-only


def _encoded(value, numbers):
    """Return a value as JSON can represent it. The bytes of its arrays are appended to `numbers`."""
    if value is None or isinstance(value, (bool, int, float, str)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return {"dtype": np.dtype(value).str}
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.hasobject:
            raise MessageError("an array of Python objects cannot be sent to another process")
        numbers.append(value.tobytes())
        return {"array": value.shape, "dtype": value.dtype.str, "scalar": isinstance(value, np.generic)}
    if hasattr(value, "_fields"):
        parts = [_encoded(part, numbers) for part in value]
        return {"named": [type(value).__module__, type(value).__qualname__], "tuple": parts}
    if isinstance(value, (tuple, list)):
        return {type(value).__name__: [_encoded(part, numbers) for part in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _encoded(part, numbers) for key, part in value.items()}}
    if isinstance(value, np.random.Generator):
        return {"generator": _plain(value.bit_generator.state)}
    raise MessageError(f"a value of type {type(value).__name__} cannot be sent to another process")


def _plain(state):
    if isinstance(state, dict):
        return {key: _plain(part) for key, part in state.items()}
    return state.tolist() if isinstance(state, (np.ndarray, np.generic)) else state


def _decoded(value, numbers, named_tuples):
    """Inverse of `_encoded`. The arrays are read from `numbers` in the same order."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        shape, dtype = value["array"], np.dtype(value["dtype"])
        if min(shape, default=0) < 0:
            raise ValueError(f"an array of shape {shape}")
        array = np.frombuffer(numbers.take(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)
        return array[()] if value["scalar"] else array
    if "dtype" in value:
        return np.dtype(value["dtype"])
    if "dict" in value:
        return {key: _decoded(part, numbers, named_tuples) for key, part in value["dict"].items()}
    if "generator" in value:
        generator = np.random.default_rng()
        generator.bit_generator.state = value["generator"]
        return generator
    parts = [_decoded(part, numbers, named_tuples) for part in value.get("tuple", value.get("list"))]
    if "named" in value and named_tuples is not None:
        return named_tuples(*value["named"])(*parts)
    return parts if "list" in value else tuple(parts)


class Channel:
    """Sends messages to another process and receives messages from it.

    Parameters
    ----------
    reader, writer : int or socket
        File descriptors of two pipes; or, for both, the socket of a connection, since Windows waits for sockets alone.
    named_tuples : callable, optional
        See :func:`unpack`.
    """

    def __init__(self, reader, writer, named_tuples=None):
        self.reader, self.writer, self.named_tuples = reader, writer, named_tuples

    def send(self, value, deadline=None):
        """Send a value.

        Parameters
        ----------
        value : object
        deadline : float, optional
            See :meth:`receive`.

        Raises
        ------
        NoAnswerError, ChannelClosedError, MessageError
        """
        data = pack(value)
        data = memoryview(struct.pack("<Q", len(data)) + data)
        try:
            while data:
                _wait(deadline, writer=self.writer)
                with contextlib.suppress(BlockingIOError):  # a reader that does not read must not block us
                    data = data[_write(self.writer, data[: 1 << 16]) :]
        except (BrokenPipeError, ConnectionError):
            raise ChannelClosedError("the other process has ended") from None

    def receive(self, deadline=None):
        """Return the next message.

        Parameters
        ----------
        deadline : float or Deadline, optional
            Latest time to wait for, on the clock ``time.monotonic()``; or what has the seconds that are left, as
            ``left()``. Default: no limit.

        Returns
        -------
        value : object

        Raises
        ------
        NoAnswerError, ChannelClosedError, MessageError
        """
        (length,) = struct.unpack("<Q", self._read(8, deadline))
        if length > MAX_MESSAGE_BYTES:
            raise MessageError(f"a message of {length} bytes; at most {MAX_MESSAGE_BYTES} are allowed")
        return unpack(self._read(length, deadline), self.named_tuples)

    def _read(self, count, deadline):
        data = bytearray()
        while len(data) < count:
            _wait(deadline, reader=self.reader)
            part = _read(self.reader, min(count - len(data), 1 << 20))
            if not part:
                raise ChannelClosedError("the other process has ended")
            data += part
        return data

    def close(self):
        """Close both pipes, or the connection."""
        for end in {self.reader, self.writer}:
            os.close(end) if isinstance(end, int) else end.close()


def _read(end, count):
    """Return some bytes, or none if the other process has ended."""
    if isinstance(end, int):
        return os.read(end, count)
    with contextlib.suppress(ConnectionError):
        return end.recv(count)
    return b""


def _write(end, data):
    return os.write(end, data) if isinstance(end, int) else end.send(data)


def _wait(deadline, *, reader=None, writer=None):
    if deadline is None:
        return
    readers, writers = [] if reader is None else [reader], [] if writer is None else [writer]
    while not any(select.select(readers, writers, [], max(0.0, left := _left(deadline)))):
        if left <= 0 or _left(deadline) <= 0:
            raise NoAnswerError("no answer in time")


def _left(deadline):
    return deadline - time.monotonic() if isinstance(deadline, float) else deadline.left()
