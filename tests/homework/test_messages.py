"""Messages between processes: values arrive unchanged, and bytes that are not a message are refused."""

import io
import os
import pickle
import struct
import time

import numpy as np
import pytest

from minivision.homework.messages import Channel, ChannelClosedError, MessageError, NoAnswerError, pack, unpack
from minivision.ops.normalization import batch_norm2d


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -2.5, float("inf"), "text", (1, (2, 3)), [1, "a"], {"a": (1, None)}, ((0, 1), (2, 3))],
    ids=repr,
)
def test_plain_values_keep_their_type(value):
    assert unpack(pack(value)) == value
    assert type(unpack(pack(value))) is type(value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32, bool, np.uint8])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3, 4)])
def test_arrays_keep_dtype_shape_and_bits(rng, dtype, shape):
    array = np.asarray(10 * rng.standard_normal(shape)).astype(dtype)
    received = unpack(pack([array, array.T]))
    assert received[0].dtype == array.dtype and received[0].shape == shape
    assert received[0].tobytes() == array.tobytes()
    np.testing.assert_array_equal(received[1], array.T)
    assert all(each.flags.writeable and each.flags.aligned for each in received)


def test_numpy_scalars_and_generators_keep_their_type(rng):
    scalar, generator = unpack(pack((np.float32(1.5), rng)))
    assert type(scalar) is np.float32 and scalar == 1.5
    assert generator.random() == rng.random()


def test_named_tuples_become_tuples_unless_their_class_is_given(rng):
    x = rng.standard_normal((2, 3, 4, 4))
    _, saved = batch_norm2d(x, np.ones(3), np.zeros(3), np.zeros(3), np.ones(3), training=True)
    assert type(unpack(pack(saved))) is tuple
    classes = {(type(saved).__module__, type(saved).__qualname__): type(saved)}
    assert type(unpack(pack(saved), lambda *name: classes[name])) is type(saved)


@pytest.mark.parametrize("value", [object(), np.array([object()]), lambda: 0, {1: 2}])
def test_values_that_cannot_be_sent_are_refused_with_their_type(value):
    with pytest.raises(MessageError, match="cannot be sent"):
        pack(value)


class _Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def forged(text, rest=bytes(32)):
    """Return a message whose text does not describe its contents."""
    return struct.pack("<I", len(text)) + text.encode() + rest


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 40,
        pack([np.ones(3)])[:-5],
        pack([np.ones(3)]) + b"more",
        forged('{"array": [1000000000000], "dtype": "<f8", "scalar": false}'),
        forged('{"array": [-4], "dtype": "<f8", "scalar": false}'),
        forged('{"array": [4], "dtype": "|O", "scalar": false}'),
        forged('{"array": [4], "dtype": "<f8", "scalar": true'),
    ],
    ids=["nothing", "ones", "cut", "too long", "huge", "negative", "objects", "not closed"],
)
def test_broken_bytes_are_refused(data):
    with pytest.raises(MessageError, match="not a message"):
        unpack(data)


def test_pickles_are_not_opened(tmp_path):
    """Neither as a message nor inside of an array of objects, as ``np.load`` would."""
    bomb = _Bomb(tmp_path / "gone off")
    file = io.BytesIO()
    np.save(file, np.array([bomb], object), allow_pickle=True)
    message = forged('{"array": [1], "dtype": "|O", "scalar": false}', file.getvalue())
    for data in (pickle.dumps(bomb), message):
        with pytest.raises(MessageError, match="not a message"):
            unpack(data)
    assert not bomb.path.exists()


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            pass  # closed by the test


def test_waiting_ends_at_the_deadline(pipe):
    start = time.monotonic()
    with pytest.raises(NoAnswerError):
        Channel(*pipe).receive(start + 0.1)
    assert time.monotonic() - start < 5


def test_a_reader_that_does_not_read_does_not_block_the_sender(pipe):
    os.set_blocking(pipe[1], False)
    with pytest.raises(NoAnswerError):
        Channel(*pipe).send(np.zeros(10**6), time.monotonic() + 0.2)


def test_the_end_of_the_other_process_is_an_error(pipe):
    os.close(pipe[1])
    with pytest.raises(ChannelClosedError):
        Channel(*pipe).receive(time.monotonic() + 1)


def test_a_message_that_is_too_long_is_not_read(pipe):
    os.write(pipe[1], b"\xff" * 8)
    with pytest.raises(MessageError, match="bytes"):
        Channel(*pipe).receive(time.monotonic() + 1)
