"""The CSV table has all digits, the Markdown table is rounded, and both leave out rows that are not done."""

import csv

import pytest

from minivision.comparison import Comparison, ComparisonSettings, Row
from minivision.comparison.table import Column, csv_table, decimal, markdown_table, whole, with_unit
from minivision.core.atomic import atomic_write

ROWS = (
    Row("first way", "slow", "a", "tiny"),
    Row("first way", "quick", "a", "tiny"),
    Row("second way", "", "b", "tiny"),
)
COLUMNS = (
    Column("miou", "mIoU", decimal, "how good."),
    Column("memory", "memory", with_unit("B"), "how large."),
    Column("steps", "steps", whole, "how many."),
)
TABLE = {
    "first way, slow": {"miou": 0.123456789, "memory": 14627309, "steps": 1820},
    "first way, quick": {"miou": 1.0, "memory": 0, "steps": 7},
    "second way": {},
}
COMPARISON = Comparison("test", ROWS, COLUMNS, None, None, lambda table: ["a note"], None)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (0, "0.00 s"),
        (0.0044, "4.40 ms"),
        (0.0123456, "12.3 ms"),
        (2.5e-6, "2.50 µs"),
        (1, "1.00 s"),
        (999.4, "999 s"),
        (999.6, "1.00 ks"),
        (999_999, "1.00 Ms"),
        (122_871, "123 ks"),
        (2_177_059_584, "2.18 Gs"),
    ],
)
def test_numbers_have_three_digits_and_an_si_prefix(figure, text):
    assert with_unit("s")(figure) == text


def test_csv_has_the_measured_values_and_empty_cells_for_missing_ones():
    head, *lines = csv.reader(csv_table(ROWS, COLUMNS, TABLE).splitlines())
    assert head == ["group", "row", "miou", "memory", "steps"]
    assert lines[0] == ["first way", "slow", "0.123456789", "14627309", "1820"]
    assert lines[2] == ["second way", "", "", "", ""]


def test_markdown_is_a_table_with_explanations_and_notes_and_a_dash_for_missing_values():
    text = markdown_table(COMPARISON, TABLE, ComparisonSettings("mid", 2, 0, 8000, 300))
    lines = text.splitlines()
    assert "| first way | slow | 0.123 | 14.6 MB | 1,820 |" in lines
    assert "|  | quick | 1.000 | 0.00 B | 7 |" in lines
    assert "| second way |  | - | - | - |" in lines
    assert "- **memory**: how large." in lines and "a note" in lines and "8,000 scenes" in text
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_a_file_is_replaced_whole_or_stays_as_it_was(tmp_path):
    path = tmp_path / "table.md"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as file:
        file.write_text("half")
        raise ZeroDivisionError
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.md"] and path.read_text() == "old"
    with atomic_write(path) as file:
        file.write_text("new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.md"] and path.read_text() == "new"


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        (("absurd", 1, 0, 10, 10), "absurd"),
        (("mid", 0, 0, 10, 10), "minutes: expected a positive number, got 0"),
        (("mid", 1, 0, 8001, 10), "train: expected 1 to 8,000 scenes, got 8,001"),
        (("mid", 1, 0, 10, 0), "val: expected 1 to 300 scenes, got 0"),
    ],
)
def test_impossible_settings_are_named(settings, part):
    with pytest.raises(ValueError, match=part):
        ComparisonSettings(*settings)
