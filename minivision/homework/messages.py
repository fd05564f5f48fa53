"""Arguments and results as bytes, between a process that is trusted and one that is not: no pickle, nothing to run.

A message is a length, a JSON text, and the numbers of all arrays that it describes, one after the other.
"""

import contextlib
import io
import json
import math
import os
import select
import struct
import time

import numpy as np

MOST_BYTES = 1 << 28  # of a message; who sends more is not listened to


class MessageError(ValueError):
    """Bytes that are no message, or a value that cannot be sent; the message says which."""


class SilenceError(TimeoutError):
    """The other side did not answer in time."""


class HangUpError(EOFError):
    """The other side is gone."""


def pack(value):
    """Return a value as bytes: numbers, text, None, arrays of numbers, tuples, lists and dicts of these, generators."""
    numbers = []
    text = json.dumps(_encoded(value, numbers)).encode()
    return b"".join([struct.pack("<I", len(text)), text, *numbers])


def unpack(data, named_tuples=None):
    """Return the value of some bytes.

    Parameters
    ----------
    data : bytes
    named_tuples : callable, optional
        ``named_tuples(module, name)`` returns a class for a tuple with named parts; by default these are plain tuples.

    Raises
    ------
    MessageError
        When the bytes are no message.
    """
    try:
        (length,) = struct.unpack_from("<I", data)
        numbers = io.BytesIO(data[4 + length :])
        value = _decoded(json.loads(data[4 : 4 + length]), numbers, named_tuples)
        if numbers.read(1):
            raise ValueError("it goes on after its end")
        return value
    except Exception as error:  # whatever broken bytes lead to
        raise MessageError(f"no message: {error}") from None


def _encoded(value, numbers):
    """Return what JSON can hold of a value; the bytes of its arrays are appended to `numbers`."""
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
    """Undo `_encoded`; `numbers` is read from, in the same order."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        shape, dtype = value["array"], np.dtype(value["dtype"])
        if min(shape, default=0) < 0:
            raise ValueError(f"an array of shape {shape}")
        held = numbers.read(math.prod(shape) * dtype.itemsize)
        array = np.frombuffer(bytearray(held), dtype).reshape(shape)  # of bytes, it could not be written to
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


class Line:
    """A way to send messages to another process and to hear from it: two file descriptors.

    Parameters
    ----------
    reading, writing : int
    named_tuples : callable, optional
        See :func:`unpack`.
    """

    def __init__(self, reading, writing, named_tuples=None):
        self.reading, self.writing, self.named_tuples = reading, writing, named_tuples

    def send(self, value, deadline=None):
        """Send a value; `deadline` as in :meth:`receive`."""
        data = pack(value)
        data = memoryview(struct.pack("<Q", len(data)) + data)
        try:
            while data:
                _wait(deadline, writing=self.writing)
                with contextlib.suppress(BlockingIOError):  # a reader who has stopped must not hold us
                    data = data[os.write(self.writing, data[: 1 << 16]) :]
        except BrokenPipeError:
            raise HangUpError("the other side is gone") from None

    def receive(self, deadline=None):
        """Return what the other side sends next.

        Parameters
        ----------
        deadline : float, optional
            The latest time, as ``time.monotonic()`` tells it.

        Raises
        ------
        SilenceError, HangUpError, MessageError
        """
        (length,) = struct.unpack("<Q", self._read(8, deadline))
        if length > MOST_BYTES:
            raise MessageError(f"a message of {length} bytes, where {MOST_BYTES} are the most")
        return unpack(self._read(length, deadline), self.named_tuples)

    def _read(self, count, deadline):
        parts = []
        while count:
            _wait(deadline, reading=self.reading)
            part = os.read(self.reading, min(count, 1 << 20))
            if not part:
                raise HangUpError("the other side is gone")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def close(self):
        for descriptor in (self.reading, self.writing):
            os.close(descriptor)


def _wait(deadline, *, reading=None, writing=None):
    if deadline is None:
        return
    left = max(0.0, deadline - time.monotonic())
    ready = select.select([] if reading is None else [reading], [] if writing is None else [writing], [], left)
    if not any(ready):
        raise SilenceError("no answer in time")
