"""Arguments and results as bytes, between a process that is trusted and one that is not: no pickle, nothing to run.

A message is a length, a JSON text, and the arrays it refers to, each as NumPy's own ``.npy`` bytes.
"""

import contextlib
import io
import json
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
    arrays = []
    text = json.dumps(_encoded(value, arrays)).encode()
    parts = [struct.pack("<I", len(text)), text]
    for array in arrays:
        held = io.BytesIO()
        np.save(held, array, allow_pickle=False)
        parts += [struct.pack("<Q", held.getbuffer().nbytes), held.getvalue()]
    return b"".join(parts)


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
        text = json.loads(data[4 : 4 + length])
        arrays, place = [], 4 + length
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            arrays.append(np.load(io.BytesIO(data[place + 8 : place + 8 + length]), allow_pickle=False))
            place += 8 + length
        return _decoded(text, arrays, named_tuples)
    except Exception as error:  # whatever broken bytes lead to
        raise MessageError(f"no message: {error}") from None


def _encoded(value, arrays):
    if value is None or isinstance(value, (bool, int, float, str)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return {"dtype": np.dtype(value).str}
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.hasobject:
            raise MessageError("an array of Python objects cannot be sent to another process")
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1, "scalar": isinstance(value, np.generic)}
    if hasattr(value, "_fields"):
        parts = [_encoded(part, arrays) for part in value]
        return {"named": [type(value).__module__, type(value).__qualname__], "tuple": parts}
    if isinstance(value, (tuple, list)):
        return {type(value).__name__: [_encoded(part, arrays) for part in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _encoded(part, arrays) for key, part in value.items()}}
    if isinstance(value, np.random.Generator):
        return {"generator": _plain(value.bit_generator.state)}
    raise MessageError(f"a value of type {type(value).__name__} cannot be sent to another process")


def _plain(state):
    if isinstance(state, dict):
        return {key: _plain(part) for key, part in state.items()}
    return state.tolist() if isinstance(state, (np.ndarray, np.generic)) else state


def _decoded(value, arrays, named_tuples):
    if not isinstance(value, dict):
        return value
    if "array" in value:
        array = arrays[value["array"]]
        return array[()] if value.get("scalar") else array
    if "dtype" in value:
        return np.dtype(value["dtype"])
    if "dict" in value:
        return {key: _decoded(part, arrays, named_tuples) for key, part in value["dict"].items()}
    if "generator" in value:
        generator = np.random.default_rng()
        generator.bit_generator.state = value["generator"]
        return generator
    parts = [_decoded(part, arrays, named_tuples) for part in value.get("tuple", value.get("list"))]
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
