"""Grading on a Dask cluster: the same points as here, everyone in the table, and no worker without protections."""

import csv

import pytest

from minivision.cli import main
from minivision.homework.batch_grading import grade_all
from minivision.homework.cluster_grading import grade_on_cluster, missing_protections, packed, unpack

pytest.importorskip("distributed")


def test_the_points_are_those_of_this_machine_and_a_broken_submission_stops_no_other(
    trial, submit, machines, tmp_path, capsys
):
    """Also of a folder, whose files are sent, and of one that is empty."""
    folder = tmp_path / "class"
    submit(name="class/ann/trial.py")
    submit(name="class/ben.py", relu="    return np.abs(x)\n")
    submit(name="class/cem.py", after="this is no Python")
    (folder / "dan").mkdir()
    paths = sorted(folder.iterdir())
    here = {each.submission: each for each in grade_all(trial, paths, isolated=False)}
    words = ["homework", "grade", str(trial.folder), str(folder), "--csv", str(tmp_path / "class.csv"), "--unlocked"]
    words += ["--results", str(tmp_path / "results"), "--proved"]
    assert main([*words, "--scheduler", machines.address]) == 0
    with open(tmp_path / "class.csv", encoding="utf-8") as file:
        there = {row["submission"]: row for row in csv.DictReader(file)}
    assert there.keys() == {"ann", "ben.py", "cem.py", "dan"} == {path.name for path in paths}
    for path in paths:
        row = there[path.name]
        assert float(row["points"]) == here[str(path)].earned and row["problem"] == here[str(path)].problem
    assert float(there["ann"]["points"]) == trial.points > float(there["ben.py"]["points"]) > 0
    assert "trial.py, line" in there["cem.py"]["problem"]


def test_a_worker_that_does_not_protect_itself_refuses_before_any_work(trial, submit, machines, tmp_path):
    """Its temporary files are in a folder that no second user can enter."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    worker = machines.add_worker(TMPDIR=str(private))
    try:
        machines.wait_for_workers(3)
        with pytest.raises(ValueError, match=r"nothing is graded, since the worker tcp://.* does not protect itself"):
            list(grade_on_cluster(machines.address, trial, [submit()]))
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.skipif(bool(missing_protections()), reason="this system does not offer all protections")
def test_workers_with_all_protections_grade(trial, submit, machines):
    (report,) = grade_on_cluster(machines.address, trial, [submit()])
    assert report.graded and report.earned == trial.points and report.unprotected == []


def test_files_are_sent_without_links_and_not_without_limit(tmp_path, monkeypatch):
    folder = tmp_path / "ann"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "trial.py").write_text("x = 1")
    (folder / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "there").mkdir()
    unpack(packed(folder), tmp_path / "there")
    files = [path for path in (tmp_path / "there").rglob("*") if not path.is_dir()]
    assert files == [tmp_path / "there" / "ann" / "inner" / "trial.py"] and files[0].read_text() == "x = 1"
    (folder / "data").write_bytes(bytes(33 << 20))
    with pytest.raises(ValueError, match="ann holds 33 MB, and 32 MB are sent at most"):
        packed(folder)
