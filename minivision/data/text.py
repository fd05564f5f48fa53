"""Reading text files as people save them: UTF-8 with or without a byte order mark, or UTF-16 with one."""

from __future__ import annotations

import codecs
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minivision.data.images import BrokenFileError, check_is_file

__all__ = ["are_numbers", "is_number", "peek", "read_json", "read_lines", "read_text", "read_xml"]

_LIMIT = 1e18  # of numbers
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def peek(path: Path, count: int, *, end: bool = False) -> bytes:
    """Return the first bytes of a file, or its last ones; none of what is no ordinary file, or may not be read.

    To recognize a file: a pipe would be waited for, and a large file takes long to read.
    """
    if not path.is_file():
        return b""
    try:
        with open(path, "rb") as file:
            if end:
                file.seek(max(0, path.stat().st_size - count))
            return file.read(count)
    except OSError:
        return b""


def read_text(path: str | os.PathLike) -> str:
    """Return the content of a text file.

    Raises
    ------
    BrokenFileError
        If there is no such file, or it is in another encoding.
    """
    path = Path(path)
    check_is_file(path)
    content = path.read_bytes()
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BrokenFileError(
            path, f"it is not UTF-8 text (byte {error.start} is {content[error.start]:#04x}); save it as UTF-8"
        ) from error


def read_lines(path: str | os.PathLike) -> list[str]:
    """Return the lines of a text file without space at their ends; empty lines are left out."""
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]


def read_json(path: str | os.PathLike) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    BrokenFileError
        If it is no JSON, is nested too deeply, or `read_text` cannot read it.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenFileError(path, f"not JSON: {error}") from error


def is_number(value: Any) -> bool:
    """Return whether a value of a JSON file is a number as in `are_numbers`."""
    return are_numbers([value])


def are_numbers(values: Sequence[Any]) -> bool:
    """Return whether all values of a list are numbers that a float64 and an int64 can hold; NaN and a bool are none."""
    if not set(map(type, values)) <= {int, float}:
        return False
    return not values or -_LIMIT < min(values) and max(values) < _LIMIT and not math.isnan(sum(values))


def read_xml(path: str | os.PathLike) -> Any:
    """Return the outermost element of an XML file, of `xml.etree`.

    The file may be malicious. XML entities, which can expand a few lines to gigabytes or read other files, are not
    needed in an annotation: a file that declares any is refused.

    Raises
    ------
    BrokenFileError
        If there is no such file, it is no XML, or it declares entities.
    """
    from defusedxml import DefusedXmlException, ElementTree

    path = Path(path)
    check_is_file(path)
    try:
        return ElementTree.parse(path).getroot()
    except DefusedXmlException as error:
        raise BrokenFileError(
            path, "it declares XML entities, which annotations do not need and attacks use; remove its DOCTYPE"
        ) from error
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise BrokenFileError(path, f"not XML: {error}") from error
