"""Measure everything that docs/scaling.md says about this machine, into measured.json; a few minutes, as root.

    python docs/scaling/measure.py

Two ranks of one thread take turns with one rank of two threads, which gets the same batches; a rank alone with one
thread says how long a machine's step takes. The cables of 1 and 10 Gbit/s are those of ``namespaces.sh``.
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROUNDS = 5
WAYS = ((1, 2), (2, 1), (1, 1))  # ranks, threads
CABLES = ("1gbit", "10gbit")


def output(*command: object, **variables: str) -> str:
    """Run a command and return what it printed; its errors are shown."""
    # Two threads that wait for each other are fastest where they do not sleep; a rank of one thread never waits so.
    environment = {**os.environ, "OMP_WAIT_POLICY": "active", **variables}
    return subprocess.run(
        list(map(str, command)), env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def main() -> None:
    """Measure, and write the record."""
    steps: dict[str, dict[str, list[float]]] = {}
    load = os.getloadavg()[0]
    for _ in range(ROUNDS):
        for ranks, threads in WAYS:
            launcher = ["mpiexec", "-n", ranks] if ranks > 1 else []
            means = output(*launcher, sys.executable, HERE / "steps.py", NUMBA_NUM_THREADS=str(threads))
            for system, seconds in json.loads(means).items():
                steps.setdefault(system, {}).setdefault(f"{ranks} x {threads}", []).append(round(seconds, 5))
        print(steps, flush=True)
    links = {"memory": json.loads(output("mpiexec", "-n", 2, sys.executable, HERE / "link.py"))}
    for cable in CABLES:
        links[cable] = json.loads(output(HERE / "namespaces.sh", cable, sys.executable, HERE / "link.py"))
    processor = next(line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line)
    record = {
        "date": datetime.date.today().isoformat(),
        "processor": processor.partition(":")[2].strip(),
        "cores": os.cpu_count(),
        "load": load,
        "steps": steps,
        "links": links,
    }
    (HERE / "measured.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
