"""``minivision data fetch``: what it prints before anything is fetched, and how it ends."""

import sys

import pytest

from minivision.cli.data_fetch import add_fetch
from minivision.cli.options import Parser, UsageError
from minivision.data import fetching


@pytest.fixture
def call():
    def run(*words):
        parser = Parser()
        add_fetch(parser.add_subparsers(parser_class=Parser))
        args = parser.parse_args(["fetch", *words])
        return args.data_command(args)

    return run


def test_without_a_name_the_datasets_are_listed_with_source_and_license(call, capsys):
    assert call() == 0
    out = capsys.readouterr().out
    for words in ("bccd", "https://github.com/Shenggan/BCCD_Dataset, revision ec96fe4", "MIT, Copyright", "587, 7."):
        assert words in out


def test_source_and_license_are_shown_first_and_the_result_last(call, capsys, tmp_path, monkeypatch):
    pytest.importorskip("pooch")

    def fetch(dataset, folder, progress):
        assert "license  MIT" in capsys.readouterr().out
        assert dataset.data == "voc" and folder == tmp_path / "new" and progress
        return 580, 7

    monkeypatch.setattr(fetching, "fetch", fetch)
    assert call("bccd", "--out", str(tmp_path / "new")) == 0
    assert f"Fetched 580 files into {tmp_path / 'new'}, 7 were there; use it as voc:" in capsys.readouterr().out


def test_an_unknown_name_and_missing_pooch_are_sentences(call, monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="no dataset 'nuclei' to fetch; there are: bccd"):
        call("nuclei")
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(UsageError, match=r"pip install 'minivision\[fetch\]'"):
        call("bccd", "--out", str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()
