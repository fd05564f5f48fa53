"""The Dask executor, with a scheduler and two workers that were started by their own commands."""

import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from pieces import begun, cancellable, die_once, sleepy, square

import minivision
from minivision.executors import Cluster, InProcess
from minivision.executors import versions as versions_module

pytest.importorskip("distributed")
HERE = os.path.dirname(__file__)


@pytest.mark.filterwarnings("ignore:four is even")
def test_results_are_those_of_this_process_and_a_failure_stops_no_other(cluster):
    function = functools.partial(square, 10)
    with pytest.warns(UserWarning, match="four is even"):
        found = {outcome.number: outcome for outcome in cluster.map_unordered(function, range(8))}
    expected = {outcome.number: outcome for outcome in InProcess().map_unordered(function, range(8))}
    assert found.keys() == expected.keys() == set(range(8))
    for number in set(found) - {3}:
        assert found[number].result[0] == expected[number].result[0] == 10 * number**2
    assert found[3].failure[:2] == expected[3].failure[:2] == ("OddError", "three at the third place")
    processes = {outcome.result[1] for outcome in found.values() if outcome.failure is None}
    assert processes <= set(cluster.run_on_workers(os.getpid).values())


def test_a_worker_that_is_killed_loses_nothing_and_nothing_comes_twice(cluster, machines):
    """Also the function itself, which a worker has got from the one that is killed or from the scheduler."""
    outcomes = []
    for outcome in cluster.map_unordered(functools.partial(sleepy, b"x" * 1_000_000), range(16)):
        outcomes.append(outcome)
        if len(outcomes) == 4:
            machines.workers[0].kill()
            machines.workers[0].wait()
    machines.workers[0] = machines.add_worker()
    assert sorted(outcome.number for outcome in outcomes) == list(range(16))
    assert {outcome.result[0] for outcome in outcomes} == set(range(16))
    assert all(outcome.failure is None for outcome in outcomes)


def test_a_piece_that_kills_a_worker_is_done_again_by_another(cluster, machines, tmp_path):
    outcomes = list(cluster.map_unordered(functools.partial(die_once, tmp_path), range(6)))
    assert sorted(outcome.result for outcome in outcomes) == list(range(6)) and (tmp_path / "died").exists()
    gone = next(number for number, worker in enumerate(machines.workers) if worker.poll() is not None)
    machines.workers[gone] = machines.add_worker()


def test_an_early_end_cancels_what_runs_and_what_waits_on_the_cluster(cluster, tmp_path):
    outcomes = cluster.map_unordered(functools.partial(cancellable, tmp_path), range(50))
    interrupt = threading.Timer(60, lambda: None)
    interrupt.start()
    threading.Thread(target=lambda: (begun(tmp_path, 2), os.kill(os.getpid(), signal.SIGINT))).start()
    with pytest.raises(KeyboardInterrupt):
        next(outcomes)
    interrupt.cancel()
    for _ in range(200):
        if len(list(tmp_path.glob("cancelled-*"))) == len(list(tmp_path.glob("begun-*"))):
            break
        time.sleep(0.1)
    names = sorted(path.name.partition("-")[0] for path in tmp_path.iterdir())
    assert names == ["begun", "begun", "cancelled", "cancelled"]


def test_a_client_that_is_killed_leaves_no_work_behind(cluster, machines, tmp_path):
    code = f"""
import functools
from pieces import cancellable
from minivision.executors import Cluster
with Cluster({machines.address!r}) as cluster:
    list(cluster.map_unordered(functools.partial(cancellable, {str(tmp_path)!r}), range(50)))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([HERE, *sys.path])}
    with subprocess.Popen([sys.executable, "-c", code], env=environment) as client:
        begun(tmp_path, 2)
        client.kill()
    for _ in range(200):
        if len(list(tmp_path.glob("cancelled-*"))) == 2:
            break
        time.sleep(0.1)
    assert len(list(tmp_path.glob("begun-*"))) == len(list(tmp_path.glob("cancelled-*"))) == 2


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("another", r"has minivision 9.9, here {here}; its sources \w+, here \w+; install the same versions"),
        ("none", r"has no minivision, or one of another version; install the same versions"),
    ],
)
def test_a_worker_with_another_minivision_is_a_sentence_before_any_work(machines, tmp_path, kind, said):
    """The worker imports a changed copy of the package, or one without these modules."""
    package = pathlib.Path(minivision.__file__).parent
    if kind == "another":
        shutil.copytree(package, tmp_path / "minivision", ignore=shutil.ignore_patterns("__pycache__"))
        text = (package / "__init__.py").read_text()
        changed = text.replace(f'__version__ = "{minivision.__version__}"', '__version__ = "9.9"')
        (tmp_path / "minivision" / "__init__.py").write_text(changed)
    else:
        (tmp_path / "minivision").mkdir()
        (tmp_path / "minivision" / "__init__.py").touch()
    worker = machines.add_worker(PYTHONPATH=str(tmp_path))
    try:
        machines.wait_for_workers(3)
        with pytest.raises(ValueError, match=said.format(here=minivision.__version__)):
            Cluster(machines.address).__enter__()
    finally:
        worker.kill()
        worker.wait()


def test_a_worker_of_another_version_that_comes_later_computes_nothing(cluster, monkeypatch):
    here = versions_module.versions()
    monkeypatch.setattr("minivision.executors.cluster.versions", lambda: {**here, "NumPy": "1.0"})
    with pytest.raises(ValueError, match=r"which came later, has NumPy .*, here 1.0"):
        list(cluster.map_unordered(functools.partial(square, 1), range(4)))


def test_where_no_scheduler_answers_a_sentence_says_so():
    with pytest.raises(OSError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9; one is started by: dask sch"):
        Cluster("tcp://127.0.0.1:9", seconds=0.5).__enter__()


def test_an_address_that_needs_certificates_says_where_they_are_named():
    with pytest.raises(ValueError, match=r"tls://127.0.0.1:9 needs certificates.*DASK_CONFIG"):
        Cluster("tls://127.0.0.1:9")
