"""The page of results says what the records say: it is written from them, and no figure in it is typed by hand."""

import importlib.util
import json
import pathlib
import re
import shlex
import subprocess
import tomllib

import pytest

from minivision.cli import _parse

RESULTS = pathlib.Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture
def writer():
    spec = importlib.util.spec_from_file_location("write_results", RESULTS / "write.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_the_one_that_the_records_give(writer):
    page = (RESULTS.parent / "results.md").read_text(encoding="utf-8")
    assert page == writer.page(), "docs/results.md is not what its records say: python docs/results/write.py"


def test_no_measured_figure_is_typed_by_hand():
    text = (RESULTS / "page.md.in").read_text(encoding="utf-8")
    text = re.sub(r"\{\{[^{}]*\}\}|PCK@0\.2", "", text)
    text = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)  # commands
    found = re.findall(r"(?<!\w)\.\d+|\d+\.\d+|\d+ steps|\d+ %|\d,\d{3}", text)
    assert set(found) <= {".5", ".95"}  # the IoUs of AP


TEMPLATE = (
    "{{new metrics/AP}} {{new metrics/of_two 2}} {{old steps}} {{old seconds min}} {{new metrics/s s}}\n{{machines}}"
)


def test_every_record_says_when_where_and_how_and_is_used(writer):
    template = (RESULTS / "page.md.in").read_text(encoding="utf-8")
    for name, record in writer.records().items():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"]) and record["processor"] and record["cores"] > 0, name
        assert "seeds" in record or "training" in record, name
        assert "commit" in record or record["command"].startswith("minivision "), name
        assert not re.search(r"(?<![\w.])/\w", record.get("command", "")), f"{name}: a path of the machine"
        assert re.search(rf"\{{\{{{re.escape(name)} ", template), f"{name}: the page does not use it"


def test_the_figures_that_can_be_renewed_have_commands_that_exist(writer):
    runs = tomllib.loads((RESULTS / "runs.toml").read_text(encoding="utf-8"))
    used = set(re.findall(r"\{\{([\w-]+) ", (RESULTS / "page.md.in").read_text(encoding="utf-8")))
    # of another program, of networks without skips, and of the demo: written down as they were
    assert used - set(runs) == {"encoder-decoder-pytorch", "mask-rcnn-pytorch", "unpool", "demo"}
    for name, run in runs.items():
        words = f"compare {run['compare']}" if "compare" in run else f"train {run['train']}"
        _parse([*shlex.split(words), "--out", "runs/x"])
        assert "picture" not in run or (RESULTS.parent / "images" / run["picture"]).exists(), name


def test_a_changed_record_changes_the_page_and_a_missing_one_is_named(writer, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "HERE", tmp_path)
    about = {"date": "2026-01-02", "processor": "P", "cores": 2, "versions": {"numpy": "2"}}
    (tmp_path / "earlier.json").write_text(json.dumps({"about": about, "old": {"steps": 4431, "seconds": 125.4}}))
    (tmp_path / "new.json").write_text(json.dumps({**about, "metrics": {"AP": 0.48, "of two": 0.65, "s": 0.0044}}))
    (tmp_path / "page.md.in").write_text(TEMPLATE)
    first, *table = writer.page().splitlines()
    assert first == ".480 .65 4,431 2:05 4.40 ms"
    assert table[-1] == "| 2026-01-02 | 2 cores, P | numpy 2 | old, new |"
    for wrong, part in (("{{none AP}}", "no record none"), ("{{new metrics/AR}}", "new.json has no 'AR'")):
        (tmp_path / "page.md.in").write_text(wrong)
        with pytest.raises(ValueError, match=part):
            writer.page()
    (tmp_path / "old.json").write_text(json.dumps({**about, "steps": 1}))
    with pytest.raises(ValueError, match="earlier.json has old too"):
        writer.records()


def test_tables_of_a_comparison_have_spreads_and_differences_in_the_right_direction(writer):
    one, two = "YOLO, a class per cell", "to YOLOv2, a class per box"
    record = {
        "comparison": "yolov2",
        "settings": {"level": "hard", "steps": 100, "seed": 0, "train": 50, "val": 30},
        "seeds": [0, 1],
        "rows": {one: {"AP": 0.4, "AP_sd": 0.02}, two: {"AP": 0.5, "AP_sd": 0.01}},
        "differences": [{"metric": "AP", "row": one, "other": two, "difference": -0.1, "low": -0.12, "high": -0.07,
                         "better_share": 0.02}],
    }  # fmt: skip
    assert writer.place(record, ["table", "AP"]).splitlines()[2:] == [
        "| YOLO | a class per cell | 0.400 ± 0.020 |",
        "| to YOLOv2 | a class per box | 0.500 ± 0.010 |",
    ]
    assert writer.place(record, ["differences", "AP"]).splitlines()[2:] == [
        f"| {two} | {one} | +0.100 | +0.070 to +0.120 | 98.0% |"
    ]
    assert writer.place(record, ["settings"]).startswith("100 steps of training each, seeds 0 to 1, 50 scenes")


def test_renewing_trains_evaluates_and_takes_the_old_figure_out(writer, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "HERE", tmp_path)
    monkeypatch.setattr(writer, "IMAGES", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs.toml").write_text(
        '[ssd]\ntrain = "ssd --steps 3"\n[path]\ncompare = "yolov2 --steps 3"\npicture = "path.png"\n'
    )
    (tmp_path / "earlier.json").write_text(json.dumps({"about": {}, "ssd": {"steps": 1}, "other": {}}))
    done = []

    def command(words):
        done.append(words)
        options = _parse(shlex.split(words))
        if options.out is not None:
            options.out.mkdir(parents=True)
            (options.out / "comparison.png").write_bytes(b"picture")
        if getattr(options, "record", None) is not None:
            options.record.write_text('{"date": "2026-01-02"}')

    monkeypatch.setattr(writer, "command", command)
    with pytest.raises(SystemExit, match="runs.toml has no yolo; it has ssd, path"):
        writer.renew(["yolo"])
    writer.renew([])
    folder = "runs/results/ssd"
    assert done[:2] == [f"train ssd --steps 3 --out {folder}", f"evaluate {folder}  --record ssd.json"]
    assert done[2].startswith("compare yolov2 --steps 3 --out runs/results/path --record")
    assert (tmp_path / "path.png").read_bytes() == b"picture" and (tmp_path / "ssd.json").exists()
    assert set(json.loads((tmp_path / "earlier.json").read_text())) == {"about", "other"}


def test_the_answers_of_a_captioner_are_added_to_its_record(writer, tmp_path, monkeypatch):
    def run(words, *, check, stdout):
        module, *asked = words[2:]
        assert module == "minivision.comparison.captions" and check
        assert asked == ["runs/results/densecap", "--without", "red disc, blue square", "--json"]
        return subprocess.CompletedProcess(words, 0, stdout=b'{"shifted": {"0.0": {"true": 0.5}}}')

    monkeypatch.setattr(writer.subprocess, "run", run)
    record = tmp_path / "densecap.json"
    record.write_text('{"date": "2026-01-02"}')
    writer.add_answers(record, pathlib.Path("runs/results/densecap"), "--without 'red disc, blue square'")
    content = json.loads(record.read_text())
    assert content["date"] == "2026-01-02" and writer.place(content, ["answers/shifted/0.0/true"]) == ".500"


@pytest.mark.parametrize("content", [b'{"date": ', b"\xff\xfe", b"[1]", None], ids=["cut", "no text", "list", "gone"])
def test_a_damaged_record_is_named_and_leaves_the_page_as_it_was(writer, tmp_path, monkeypatch, content):
    (tmp_path / "earlier.json").write_text('{"about": {}}')
    if content is None:
        (tmp_path / "page.md.in").write_text("{{one value}}")
    else:
        (tmp_path / "one.json").write_bytes(content)
    (tmp_path / "results.md").write_text("the page")
    monkeypatch.setattr(writer, "HERE", tmp_path)
    monkeypatch.setattr(writer, "PAGE", tmp_path / "results.md")
    monkeypatch.setattr("sys.argv", ["write.py"])
    with pytest.raises(SystemExit, match=r"results\.md is left as it was: .*\bone\b"):
        writer.main()
    assert (tmp_path / "results.md").read_text() == "the page" and not list(tmp_path.glob("*.partial"))
