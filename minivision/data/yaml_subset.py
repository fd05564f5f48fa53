"""Reading the part of YAML (https://yaml.org/spec/1.2.2/) that descriptions of datasets use.

Maps, lists and texts, in lines or in brackets, with comments and quotes. Every scalar stays a text, since a class may
be called ``no`` or ``1e3``, which YAML takes for a truth value and a number. What builds objects or copies parts of the
file (tags, anchors, aliases) is refused: it is not needed, and attacks use it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from minivision.data.images import BrokenFileError
from minivision.data.text import read_text

__all__ = ["read_yaml"]

LONGEST_KEY = 300  # characters
MAX_DEPTH = 20  # of maps and lists in each other
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "0": "\0",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "/": "/",
    "\\": "\\",
    "_": "\xa0",
}
_CODES = {"x": 2, "u": 4, "U": 8}  # hexadecimal digits behind a backslash and a letter
_NULL = ("", "~", "null", "Null", "NULL")
_QUOTED = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'"
_KEY = re.compile(rf"({_QUOTED}|[^\s\[\]{{}}#&*!|>'\"%@`,-][^#]*?|-[^\s#][^#]*?)\s*:(?=\s|$)")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the map that a YAML file has: texts to texts, None, lists and maps.

    Raises
    ------
    BrokenFileError
        If the file is no map, a key stands twice, or a line is none of the part that is read; the message has its
        number.
    """
    return _Reader(path, read_text(path)).read()


_PLAIN = r"[^\s,\[\]{}:#]"  # a letter of a text without quotes in brackets
_TOKEN = re.compile(
    rf"\s*(?:(#.*)$|([\[\]{{}},])|({_QUOTED})|(:)(?=\s|$)|((?:{_PLAIN}|:(?!\s|$)|(?<=\S)#|[ \t]+(?={_PLAIN}))+)|(.))"
)


class _Reader:
    """Lines of a file, and the number of the next one."""

    def __init__(self, path, text):
        self.path = path
        self.lines = text.splitlines()
        self.next = 0

    def read(self):
        if self._peek() is None:
            raise BrokenFileError(self.path, "it is empty")
        for number, line in enumerate(self.lines):
            if line.rstrip() == "---" and not any(self._has_content(other) for other in self.lines[:number]):
                self.lines[number] = ""
        content = self._block(self._peek(), 0)
        if self._peek() is not None and self.lines[self.next].rstrip() != "...":
            raise self._error("it is not indented like the lines before, or a second document")
        if not isinstance(content, dict):
            raise BrokenFileError(self.path, "it should be a map: lines of key: value")
        return content

    def _error(self, reason, number=None):
        number = self.next if number is None else number
        line = self.lines[min(number, len(self.lines) - 1)].strip()
        return BrokenFileError(self.path, f"line {number + 1}: {reason}; got {line[:60]!r}")

    @staticmethod
    def _has_content(line):
        return bool(line.strip()) and not line.lstrip().startswith("#")

    def _peek(self):
        """Go to the next line that says something; return its indentation, None at the end."""
        while self.next < len(self.lines) and not self._has_content(self.lines[self.next]):
            self.next += 1
        if self.next == len(self.lines):
            return None
        line = self.lines[self.next]
        space = line[: len(line) - len(line.lstrip())]
        if "\t" in space:
            raise self._error("it is indented by a tab; YAML wants spaces")
        return len(space)

    def _block(self, indent, depth):
        """Read a map or a list whose lines begin at `indent`."""
        if depth > MAX_DEPTH:
            raise self._error(f"maps and lists are nested more than {MAX_DEPTH} times")
        if _is_item(self.lines[self.next].strip()):
            return self._list(indent, depth)
        return self._map(indent, depth)

    def _list(self, indent, depth):
        items = []
        while self._peek() == indent and _is_item(self.lines[self.next].strip()):
            line = self.lines[self.next]
            rest = line[indent + 1 :].lstrip()
            inner = len(line) - len(rest)
            if not self._has_content(rest):
                self.next += 1
                items.append(self._nested(indent, depth))
            elif _is_item(rest) or _key_of(rest):
                self.lines[self.next] = " " * inner + rest  # a map or list that begins in the line of its item
                items.append(self._block(inner, depth + 1))
            else:
                items.append(self._value(rest, indent, depth))
        return items

    def _map(self, indent, depth):
        content = {}
        while self._peek() == indent and not _is_item(self.lines[self.next].strip()):
            number, text = self.next, self.lines[self.next].strip()
            if text == "...":
                break
            match = _key_of(text)
            if not match:
                raise self._error("expected key: value")
            key, rest = self._scalar(match[1]), text[match.end() :].strip()
            if key in content:
                raise self._error(f"the key {key!r:.60} stands twice")
            if not self._has_content(rest):
                self.next += 1
                content[key] = self._nested(indent, depth, in_map=True)
            else:
                content[key] = self._value(rest, indent, depth)
            if self.next == number:
                raise self._error("it cannot be read")
        return content

    def _nested(self, indent, depth, in_map=False):
        """Read what follows a key or a dash on lines of its own, None if nothing does."""
        inner = self._peek()
        if inner is None or inner < indent:
            return None
        if inner == indent and not (in_map and _is_item(self.lines[self.next].strip())):
            return None
        text = self.lines[self.next].strip()
        if inner > indent and not _is_item(text) and not _key_of(text):
            return self._value(text, indent, depth)
        return self._block(inner, depth + 1)

    def _value(self, text, indent, depth):
        """Read a value that begins with `text` in the present line; leave the reader behind it."""
        if text[0] in "&*!":
            raise self._error("anchors (&), aliases (*) and tags (!) are not read; write the value itself")
        if text[0] in "|>":
            return self._literal(indent)
        if text[0] in "[{":
            return self._flow(text, depth)
        if text[0] in "\"'":
            match = re.match(_QUOTED, text)
            rest = text[match.end() :] if match else ""
            if not match or (rest.strip() and not re.match(r"\s+#", rest)):
                raise self._error("a text in quotes should end in its line, with nothing behind it")
            self.next += 1
            return self._scalar(match[0], self.next - 1)
        parts = [_without_comment(text)]
        self.next += 1
        while (deeper := self._peek()) is not None and deeper > indent:
            line = self.lines[self.next].strip()
            if _key_of(line):
                raise self._error("a key below a value: is it indented too far?")
            parts.append(_without_comment(line))
            self.next += 1
        return self._scalar(" ".join(parts), self.next - 1)

    def _literal(self, indent):
        """Read the lines of a text behind ``|`` or ``>``."""
        lines = []
        self.next += 1
        while self.next < len(self.lines):
            line = self.lines[self.next]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            lines.append(line.strip())
            self.next += 1
        return "\n".join(lines).strip("\n")

    def _flow(self, text, depth):
        """Read a list or a map in brackets, which may go over several lines."""
        first = self.next
        tokens = _tokens(text)
        still_open = _open_brackets(tokens)
        while still_open > 0:
            self.next += 1
            if self._peek() is None:
                raise self._error("a bracket that is opened here is not closed", first)
            more = _tokens(self.lines[self.next].strip())
            tokens += more
            still_open += _open_brackets(more)
        self.next += 1
        value, end = self._flow_value(tokens, 0, depth, first)
        if end != len(tokens):
            raise self._error("there is something behind the closing bracket", first)
        return value

    def _flow_value(self, tokens, at, depth, line):
        """Read the value that begins at a token; return it, and the position behind it."""
        if depth > MAX_DEPTH:
            raise self._error(f"maps and lists are nested more than {MAX_DEPTH} times", line)
        if at >= len(tokens) or tokens[at] in ("]", "}", ",", ":"):
            raise self._error("a value is missing between brackets and commas", line)
        if tokens[at] not in ("[", "{"):
            return self._scalar(tokens[at], line), at + 1
        close, content = ("]", []) if tokens[at] == "[" else ("}", {})
        at += 1
        while at < len(tokens) and tokens[at] != close:
            value, at = self._flow_value(tokens, at, depth + 1, line)
            if isinstance(content, list):
                content.append(value)
            else:
                if at >= len(tokens) or tokens[at] != ":" or not isinstance(value, str) or value in content:
                    raise self._error("a map in braces has key: value, each key once", line)
                content[value], at = self._flow_value(tokens, at + 1, depth + 1, line)
            if at < len(tokens) and tokens[at] == ",":
                at += 1
            elif at < len(tokens) and tokens[at] != close:
                raise self._error("a comma is missing", line)
        if at >= len(tokens):
            raise self._error("brackets do not fit together", line)
        return content, at + 1

    def _scalar(self, text, line=None):
        """Return a scalar without its quotes; None for what YAML takes for nothing."""
        if text.startswith("'"):
            return text[1:-1].replace("''", "'")
        if text.startswith('"'):
            return re.sub(r"\\(x..|u.{4}|U.{8}|.)", lambda match: self._escaped(match[1], line), text[1:-1])
        if text[:1] in ("&", "*", "!", "%", "@", "`"):
            raise self._error(f"a text that begins with {text[0]} needs quotes", line)
        return None if text in _NULL else text

    def _escaped(self, code, line):
        if code in _ESCAPES:
            return _ESCAPES[code]
        try:
            if len(code) - 1 == _CODES[code[0]]:
                return chr(int(code[1:], 16))
        except (KeyError, ValueError, OverflowError):
            pass
        raise self._error(f"\\{code} is no character that is known", line)


def _key_of(text):
    """Return the match of a key and its colon at the beginning of a line, or None."""
    return _KEY.match(text[:LONGEST_KEY])


def _without_comment(text):
    """Return a text without the comment behind it, which begins with a space and #."""
    at = text.find("#")
    while at > 0 and not text[at - 1].isspace():
        at = text.find("#", at + 1)
    return text if at < 0 else text[:at].rstrip()


def _is_item(text):
    return text == "-" or text.startswith("- ")


def _tokens(text):
    """Split a line of a list or map in brackets into brackets, commas, colons, quoted and plain texts."""
    found = (match for match in _TOKEN.finditer(text) if match[0].strip())
    return [next(part for part in match.groups()[1:] if part) for match in found if not match[1]]


def _open_brackets(tokens):
    return sum((token in ("[", "{")) - (token in ("]", "}")) for token in tokens)
