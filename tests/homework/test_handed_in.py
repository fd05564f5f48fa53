"""A file that is handed in beside the functions: found wherever it may be, judged safely, worth what was said."""

import dataclasses
import io
import json
import os
import pathlib
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import numpy as np
import pytest

from minivision.cli import main
from minivision.data import Scenes, hold_in_memory
from minivision.homework import load_assignment, segmenter
from minivision.homework.batch_grading import grade_all, student_library, submissions
from minivision.homework.gradescope import autograder, results
from minivision.homework.handed_in import HandedIn, without_files_beside
from minivision.homework.leaks import leaks
from minivision.homework.library import write_library
from minivision.homework.local_executor import InThisProcess
from minivision.homework.manifest import ManifestError
from minivision.homework.own_solution import write_solution
from minivision.homework.release import start
from minivision.homework.segmenter import FILE, MIOU_FOR_POINTS
from minivision.homework.student import HandedInError
from minivision.models import make_model
from minivision.tasks import evaluate
from minivision.training import Checkpoint

HW1 = load_assignment("hw1")
SOLUTION = HW1.solution_files[FILE]
MANIFEST = f"""\
title = "A trial"
file = "trial.py"
header = "import numpy as np"
seed = 7

[[task]]
id = "1.1"
title = "ReLU"
points = 4
functions = ["minivision.ops.pointwise.relu"]

[[task]]
id = "1.2"
title = "A segmenter"
points = 2
functions = []
file = "{FILE}"
"""
TESTS = f"""\
import numpy as np
import pytest
from minivision.homework import segmenter


@pytest.mark.task("1.1", points=4)
def test_relu(student):
    assert student.relu(np.array([-1.0, 2.0])).tolist() == [0, 2]


@pytest.mark.task("1.2", points=2)
def test_the_segmenter(student):
    path = student.handed_in("{FILE}")
    student.remark = segmenter.expect_points(path, "test", 4, seed=student.seed)
"""
RELU = b"import numpy as np\n\n\ndef relu(x):\n    return np.maximum(x, 0)\n"


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trial")
    files = {"manifest.toml": MANIFEST.encode(), "hidden/test_trial_hidden.py": TESTS.encode()}
    for name, content in {**files, f"solution/{FILE}": SOLUTION.read_bytes()}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return load_assignment(folder)


def untrained(**changes):
    """Return the bytes of a small network that has learned nothing, with some fields of its checkpoint changed."""
    model = make_model("encoder-decoder", ("background", *segmenter.CLASSES), widths=(4, 4), depths=(0, 0))
    fields = {"model": model.state(), "optimizer": {}, "step": 1, "total": 1, "settings": {}, "data": {}}
    fields = {"system": model.name, "classes": list(model.classes), "options": model.options, **fields, **changes}
    return saved(Checkpoint(**fields))


def saved(checkpoint):
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(pathlib.Path(folder, FILE))
        return pathlib.Path(folder, FILE).read_bytes()


# ---- what it is worth ----------------------------------------------------------------------------------------------


def test_the_mean_iou_is_that_of_evaluate_on_scenes_of_this_seed():
    drawn = Scenes("easy", "test", 3, objects=(1, 2), classes=("disc", "ring"), size=64).draw(150)
    expected = evaluate(Checkpoint.load(SOLUTION).make_model(), hold_in_memory(drawn, size=(32, 32)))
    metrics = segmenter.judge(SOLUTION, "test", seed=3)
    assert metrics["miou"] == pytest.approx(expected["miou"], abs=1e-12)
    assert metrics["iou"] == pytest.approx(expected["iou"], abs=1e-12)
    assert metrics["miou"] != segmenter.judge(SOLUTION, "test", seed=4)["miou"]


def test_a_library_without_the_metrics_judges_too(tmp_path):
    """As students have it: task 1.11 is to write them. Their own operations run in place of the compiled ones."""
    write_library(HW1, tmp_path / "library")
    write_solution(HW1, tmp_path / "hw1.py")
    program = (
        "import minivision\nfrom minivision.checks import load_backend\nfrom minivision.homework import segmenter\n"
        "segmenter.COUNTS['val'] = 4\nwith minivision.backend(load_backend('hw1.py')):\n"
        f"    print(segmenter.judge('{FILE}', 'val')['miou'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "library")}
    options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "check": False}
    done = subprocess.run([sys.executable, "-c", program], **options)
    few = segmenter.scenes("val", 4)
    expected = evaluate(Checkpoint.load(SOLUTION).make_model(), few)["miou"]
    assert done.returncode == 0 and float(done.stdout) == pytest.approx(expected, abs=0.02), done.stderr


def test_each_number_that_is_reached_is_a_point():
    assert len(MIOU_FOR_POINTS) == HW1.task("1.12").points and list(MIOU_FOR_POINTS) == sorted(MIOU_FOR_POINTS)
    for number, least in enumerate(MIOU_FOR_POINTS):
        assert segmenter.points(least - 1e-9) == number and segmenter.points(least) == number + 1
    assert segmenter.points(0.0) == 0 and segmenter.points(float("nan")) == 0
    assert segmenter.said(0.55, "test") == "mIoU 0.550 on 150 hidden scenes: 2 of 4 points; 0.58 is the next"


def test_students_and_staff_read_the_numbers_that_count():
    """In the notebook of the assignment, which is the statement, and on the page for staff."""
    numbers = [f"{least:.2f}"[1:] for least in MIOU_FOR_POINTS]
    statement = (HW1.folder / HW1.notebook).read_text(encoding="utf-8")
    assert f"| mean IoU, at least | {' | '.join(numbers)} |" in statement
    assert f"on {segmenter.COUNTS['test']} scenes" in statement and f"on {segmenter.COUNTS['val']} scenes" in statement
    page = (pathlib.Path(__file__).parents[2] / "docs" / "homework.md").read_text(encoding="utf-8")
    said = "earns a point from {} on, two from {}, three from {}, four from {}.".format(*numbers)
    assert said in " ".join(page.split())


def test_the_librarys_segmenter_earns_everything_and_one_that_learned_nothing_earns_nothing(tmp_path):
    (tmp_path / FILE).write_bytes(untrained())
    assert segmenter.points(segmenter.judge(tmp_path / FILE, "val")["miou"]) == 0
    assert min(segmenter.judge(SOLUTION, "test", seed=seed)["miou"] for seed in range(5)) > MIOU_FOR_POINTS[-1] + 0.04


# ---- files that are not what was asked for ---------------------------------------------------------------------------


def archive(arrays, **options):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays, **options)
    return content.getvalue()


class Executed:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def with_options(**options):
    return lambda: untrained(options={**json.loads(json.dumps(OPTIONS)), **options})


OPTIONS = {"upsampling": "nearest", "skips": True, "background_weight": 0.3, "widths": [4, 4], "depths": [0, 0]}
STATE = make_model("encoder-decoder", ("background", *segmenter.CLASSES), widths=(4, 4), depths=(0, 0)).state()
BAD = {
    "empty": (lambda: b"", "not a minivision checkpoint"),
    "text": (lambda: b"my network", "not a minivision checkpoint"),
    "cut off": (lambda: SOLUTION.read_bytes()[:20_000], "damaged checkpoint"),
    "another archive": (lambda: archive({"x": np.zeros(3)}), "it has no metadata"),
    "pickled": (lambda: archive({"metadata": np.array([Executed()], object)}), "damaged checkpoint"),
    "a pickle": (lambda: pickle.dumps(Executed()), "not a minivision checkpoint"),
    "too large": (lambda: bytes(segmenter.MAX_BYTES + 1), "larger than 4 MiB"),
    "unpacks to too much": (lambda: archive({"x": np.zeros(10_000_000)}), "unpacks to 76 MiB"),
    "too many arrays": (lambda: archive({f"x{k}": np.zeros(0) for k in range(2001)}), "it has 2001 arrays"),
    "another system": (lambda: untrained(system="yolo"), "its network is 'yolo', and encoder-decoder is asked for"),
    "other classes": (lambda: untrained(classes=["background", "cat", "dog"]), "the dataset has (background, disc"),
    "classes that a terminal obeys": (lambda: untrained(classes=["\x1b[31m", "a"]), "\\x1b[31m"),
    "another shape": (lambda: untrained(model={**STATE, "scores.b": np.zeros(9, np.float32)}), "expected shape (3,)"),
    "not finite": (lambda: untrained(model={**STATE, "scores.b": np.full(3, np.nan)}), "not finite"),
    "wide": (with_options(widths=[10**9, 4]), "a width up to 64"),
    "deep": (with_options(depths=[0, 10**9]), "a depth up to 4"),
    "many resolutions": (with_options(widths=[4] * 9, depths=[0] * 9), "at most 4 resolutions"),
    "no numbers": (with_options(widths="44"), "expected a width"),
    "true is no width": (with_options(widths=[True, 4]), "expected a width"),
    "an unknown option": (with_options(speed=3), "speed"),
    "an unknown upsampling": (with_options(upsampling=["nearest"]), "upsampling"),
    "no weight": (with_options(background_weight="NaN"), "background_weight='NaN'"),
    "a name that a terminal obeys": (lambda: untrained(system="red\x1b[31m" * 99), "red\\x1b[31m"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_cannot_be_judged_says_what_is_wrong(kind, tmp_path):
    write, message = BAD[kind]
    (tmp_path / FILE).write_bytes(write())
    with pytest.raises(HandedInError) as raised:
        segmenter.expect_points(tmp_path / FILE, "test", 1)
    said = raised.value.in_short
    assert said.startswith(f"{FILE} cannot be judged: ") and message in said
    assert str(tmp_path) not in said and "\x1b" not in said and "\n" not in said and len(said) < 1000


# ---- where it may be -------------------------------------------------------------------------------------------------


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in files.items():
            file.writestr(f"homework/{name}", content)


def tarred(path, files):
    with tarfile.open(path, "w:gz") as file:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            file.addfile(entry, io.BytesIO(content))


def write_class(folder):
    """Write submissions of every form: right ones first, then those without a file that can be judged."""
    good, both = SOLUTION.read_bytes(), {"trial.py": RELU, FILE: SOLUTION.read_bytes()}
    loose = {
        "ann/trial.py": RELU, f"ann/deep/{FILE}": good,
        "ben/Trial (1).py": RELU, "ben/hw1-segmenter (2).npz": good,
        "eve.py": RELU, "eve.npz": good,
        "foxfay_12_345_trial.py": RELU, "foxfay_12_346_hw1-segmenter-1.npz": good,  # as Canvas names them
        "gil/trial.py": RELU,
        "hal.py": RELU,
        "ida/trial.py": RELU, f"ida/{FILE}": b"broken",
        "jon/trial.py": RELU, f"jon/{FILE}": bytes((4 << 20) + 1),
        "kim/trial.py": RELU, f"kim/a/{FILE}": good, f"kim/b/{FILE}": good,
        "lea/trial.py": RELU, f"lea/{FILE}": untrained(),
        f"max/{FILE}": good,
    }  # fmt: skip
    for name, content in loose.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    zipped(folder / "cy.zip", both)
    tarred(folder / "dee.tar.gz", both)


def test_everyone_gets_the_points_of_both_files_or_the_reason(trial, tmp_path):
    folder = tmp_path / "class"
    write_class(folder)
    paths = submissions(trial, folder)
    names = [path.name for path in paths]
    assert len(names) == 13 and "eve.npz" not in names and "foxfay_12_346_hw1-segmenter-1.npz" not in names
    reports = grade_all(trial, paths, isolated=False, executor=InThisProcess())
    reports = {pathlib.Path(report.submission).name: report for report in reports}
    full = ("ann", "ben", "cy.zip", "dee.tar.gz", "eve.py", "foxfay_12_345_trial.py")
    assert {name: report.earned for name, report in reports.items() if report.earned == 6} == dict.fromkeys(full, 6)
    why = {name: [outcome.public_message for outcome in reports[name].tasks[1].outcomes] for name in names}
    assert why["ann"][0].startswith("mIoU 0.7")
    assert {name: reports[name].earned for name in names if name not in full} == {
        **dict.fromkeys(("gil", "hal.py", "ida", "jon", "kim", "lea"), 4), "max": 0
    }  # fmt: skip
    assert why["gil"] == [f"gil has no {FILE}"] and why["kim"][0].startswith(f"kim has 2 files called {FILE}")
    assert why["hal.py"] == [f"there is no {FILE} beside hal.py: hand in both, as a folder or an archive"]
    assert why["ida"] == [f"{FILE} cannot be judged: {FILE}: not a minivision checkpoint"]
    assert why["jon"] == [f"{FILE} is larger than 4 MiB"] and "0 of 4 points; 0.40 is the next" in why["lea"][0]
    assert reports["max"].problem == "max has no trial.py" and all(report.graded for report in reports.values())
    written = results(reports["ida"])["tests"][-1]
    assert written["score"] == 0 and "cannot be judged" in written["output"]


def test_files_of_one_student_belong_together(trial):
    def kept(*names):
        return [path.name for path in without_files_beside(trial, [pathlib.Path("/none", name) for name in names])]

    assert kept("trial.py", FILE) == ["trial.py"]
    assert kept("a.py", "a.npz", "b.py", "c.npz") == ["a.py", "b.py", "c.npz"]
    assert kept(f"ann1_{FILE}", "ann1_trial.py", f"ann2_{FILE}") == ["ann1_trial.py", f"ann2_{FILE}"]
    assert kept(f"s_1_{FILE}", "s_1_trial.py", "s_2_trial.py") == ["s_1_trial.py", "s_2_trial.py"]
    assert kept(f"x_LATE_1_8_{FILE}", "x_LATE_1_9_trial-2.py") == ["x_LATE_1_9_trial-2.py"]
    assert kept(f"x_1_8_{FILE}", "x_2_9_trial.py") == [f"x_1_8_{FILE}", "x_2_9_trial.py"]


def test_of_several_files_beside_it_the_one_of_the_right_name_counts(trial, tmp_path):
    for name in ("trial.py", f"copy of {FILE}", FILE.replace(".npz", " (1).npz"), FILE.replace(".npz", " (2).npz")):
        (tmp_path / name).write_bytes(name.encode())
    assert "2 files beside trial.py" in HandedIn.read(trial, tmp_path / "trial.py").refused[FILE]
    (tmp_path / FILE).write_bytes(b"this one")
    assert HandedIn.read(trial, tmp_path / "trial.py").files == {FILE: b"this one"}


def test_a_grading_that_goes_on_knows_the_second_file_of_what_is_left(trial, tmp_path, capsys):
    folder = tmp_path / "class"
    for name in ("ann", "bob"):
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_bytes(RELU)
        (folder / f"{name}.npz").write_bytes(SOLUTION.read_bytes())
    words = ["homework", "grade", str(trial.folder), str(folder), "--unlocked", "--proved"]
    words += ["--results", str(tmp_path / "results")]
    assert main(words) == 0
    for name in ("cy.py", "cy.npz"):
        (folder / name).write_bytes((folder / name.replace("cy", "ann")).read_bytes())
    capsys.readouterr()
    assert main([*words, "--resume"]) == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if " of 6 " in line]
    assert len(printed) == 1 and "cy.py" in printed[0]
    rows = (tmp_path / "results" / "class.csv").read_text().splitlines()[1:]
    assert [row.split(",")[:5] for row in rows] == [[f"{name}.py", "6", "6", "4", "2"] for name in ("ann", "bob", "cy")]


def test_a_worker_of_a_cluster_gets_both_files(trial, tmp_path):
    pytest.importorskip("distributed")
    from minivision.homework.cluster_grading import grade_sent

    for name, content in (("ann.py", RELU), ("ann.npz", SOLUTION.read_bytes()), ("bob.py", RELU)):
        (tmp_path / name).write_bytes(content)
    pieces = [(f"/there/{name}", HandedIn.read(trial, tmp_path / name)) for name in ("ann.py", "bob.py")]
    ann, bob = (grade_sent(str(trial.folder), None, False, pickle.loads(pickle.dumps(piece))) for piece in pieces)
    assert (ann.submission, ann.earned, bob.earned) == ("/there/ann.py", 6, 4)
    assert f"no {FILE} beside bob.py" in bob.tasks[1].outcomes[0].public_message


# ---- what students and staff see of it -----------------------------------------------------------------------------


def test_a_student_reads_what_the_file_is_worth(tmp_path, capsys):
    start(HW1, tmp_path / "hw1")
    names = {path.name for path in (tmp_path / "hw1").iterdir()}
    assert "segmenter.py" in names and FILE not in names and "solution" not in names
    assert load_assignment(tmp_path / "hw1").files == (FILE,)
    write_solution(HW1, tmp_path / "hw1" / "hw1.py")
    (tmp_path / "hw1" / "tests" / "test_segmenter.py").write_text(
        "import pytest\nfrom minivision.homework import segmenter\n\n\n"
        '@pytest.mark.task("1.12")\ndef test_it(student):\n'
        '    student.remark = segmenter.said(0.5, "val") + str(student.handed_in(segmenter.FILE).stat().st_size)\n'
    )
    words = ["homework", "test", "1.12", "--folder", str(tmp_path / "hw1")]
    assert main(words) == 0 and "    mIoU 0.500 on 60 validation scenes: 2 of 4 points" in capsys.readouterr().out
    (tmp_path / "hw1" / FILE).unlink()
    assert main(words) == 1 and f"there is no {FILE} beside hw1.py" in capsys.readouterr().out


def test_the_solution_has_both_files_and_so_has_the_archive_of_an_assignment_of_ones_own(trial, tmp_path, capsys):
    assert main(["homework", "solution", str(trial.folder), "--out", str(tmp_path / "trial.py")]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "trial.py"), str(tmp_path / FILE)]
    assert (tmp_path / FILE).read_bytes() == SOLUTION.read_bytes()
    autograder(trial, tmp_path / "autograder.zip")
    with zipfile.ZipFile(tmp_path / "autograder.zip") as file:
        assert f"assignment/solution/{FILE}" in file.namelist()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (FILE, "a/b.npz", "file must be a name"),
        (FILE, "trial.py", "two files called trial.py"),
        ('functions = []\nfile = "', 'functions = ["minivision.ops.pointwise.sigmoid"]\nfile = "', "make two tasks"),
    ],
)
def test_a_manifest_with_a_file_that_cannot_be_is_refused(old, new, message, tmp_path):
    (tmp_path / "manifest.toml").write_text(MANIFEST.replace(old, new))
    with pytest.raises(ManifestError, match=message):
        load_assignment(tmp_path)


def test_nobody_gets_the_librarys_segmenter(trial, tmp_path):
    (tmp_path / FILE).write_bytes(SOLUTION.read_bytes())
    assert leaks(trial, tmp_path) == [f"{FILE} must not be handed out"]
    with student_library(trial) as library:
        assert not list(pathlib.Path(library).rglob(FILE))
        assert (pathlib.Path(library) / "minivision" / "homework" / "segmenter.py").exists()
    assert dataclasses.replace(trial, tasks=trial.tasks[:1]).files == ()
