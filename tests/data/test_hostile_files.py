"""Damaged and malicious files: of every export of every tool, each ends in a clear error or in a dataset."""

import random
import re
import shutil
import time
import warnings
from pathlib import Path

import pytest

from minivision.data import BrokenFileError
from minivision.data.formats import FORMATS
from minivision.data.recognition import UnknownFormatError, recognize

EXPORTS = Path(__file__).parent / "exports"
BAD = [b"nan", b"inf", b"-1", b"1e999", b"9" * 40, b"null", b"[]", b"{}", b'"x"', b"true", b"4294967296", b""]
BAD += [b"../../../../etc/passwd", b"\xff\xfe", b"a" * 5000, b"\0"]
OPENINGS = [b"[", b"{", b"<a>", b"- ", b"\0", b"../", b" "]
OPENERS = {form.kind: form.open for form in FORMATS}


def sets():
    """Return the folders of exports that are recognized, with their kinds."""
    found = []
    for folder in sorted(path for path in [*EXPORTS.glob("*"), *EXPORTS.glob("*/*")] if path.is_dir()):
        try:
            found.append((folder, recognize(folder).found[0].kind))
        except UnknownFormatError:
            continue
    return found


def damaged(data, rng):
    """Return the bytes of a file that is cut, or in which bytes, numbers, texts or lines are others."""
    way = rng.randrange(6)
    if way == 0:
        return data[: rng.randrange(len(data) + 1)]
    if way == 1:
        at = rng.randrange(len(data) + 1)
        return data[:at] + rng.choice(OPENINGS) * rng.choice([1, 3, 5000]) + data[at:]
    if way == 2:
        lines = data.split(b"\n")
        del lines[rng.randrange(len(lines))]
        return b"\n".join(lines)
    if way == 3 and data:
        at = rng.randrange(len(data))
        return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
    places = list(re.finditer(rb"-?\d+(\.\d+)?" if way == 4 else rb'(?<=")[^"]*(?=")|(?<=>)[^<]*(?=<)', data))
    place = rng.choice(places) if places else None
    return data[: place.start()] + rng.choice(BAD) + data[place.end() :] if place else data


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_ends_in_a_clear_error_or_in_a_dataset(tmp_path, seed):
    rng, folders = random.Random(seed), sets()
    assert {kind for _, kind in folders} >= {"yolo", "coco", "voc"}
    for number in range(40):
        original, kind = rng.choice(folders)
        folder = tmp_path / str(number)
        shutil.copytree(original, folder)
        file = rng.choice(sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".png"))
        file.write_bytes(damaged(file.read_bytes(), rng))
        begin = time.thread_time()
        for split, skip_broken in (("train", False), ("all", True)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    dataset = OPENERS[kind](folder, split, skip_broken=skip_broken)
                    for (height, width), sample in zip(dataset.image_sizes(), dataset, strict=True):
                        boxes = sample.instances.boxes
                        assert (boxes >= 0).all() and (boxes <= (width, height, width, height)).all()
                        assert sample.image.shape == (height, width, 3) == (*sample.label_map.shape, 3)
                except (BrokenFileError, FileNotFoundError) as error:
                    assert str(error)
        for form in FORMATS:
            form.recognize(folder)
        assert time.thread_time() - begin < 10, (original, file.name)  # it takes 0.02 s
