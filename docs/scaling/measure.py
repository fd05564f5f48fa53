"""Measure everything that docs/scaling.md says about this machine, into measured.json; a few minutes, as root.

    python docs/scaling/measure.py

Two ranks of one thread take turns with one rank of two threads, which gets the same batches; a rank alone with one
thread says how long a machine's step takes. The cables of 1 and 10 Gbit/s are those of ``namespaces.sh``. Over each
link steps whose gradients are sent during the backward pass take turns with those that send them after it.
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

HERE = pathlib.Path(__file__).parent
ROUNDS, OVERLAP_ROUNDS = 5, 2
WAYS = ((1, 2), (2, 1), (1, 1))  # ranks, threads
LINKS = ("memory", "1gbit", "10gbit")


def output(*command: object, **variables: str) -> str:
    """Run a command and return what it printed; its errors are shown."""
    # Two threads that wait for each other are fastest where they do not sleep; a rank of one thread never waits so.
    environment = {**os.environ, "OMP_WAIT_POLICY": "active", **variables}
    return subprocess.run(
        list(map(str, command)), env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def over(link: str, script: str) -> str:
    """Return what two ranks of one thread print that are joined by a link."""
    launcher = ["mpiexec", "-n", 2] if link == "memory" else [HERE / "namespaces.sh", link]
    return output(*launcher, sys.executable, HERE / script, NUMBA_NUM_THREADS="1")


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
    links = {link: json.loads(over(link, "link.py")) for link in LINKS}
    overlap: dict[str, Any] = {link: {} for link in LINKS}
    for link in LINKS * OVERLAP_ROUNDS:
        found = json.loads(over(link, "overlap.py"))
        for system, facts in found.items():
            for kind in ("after", "during"):
                overlap[link].setdefault(system, {}).setdefault(kind, []).append(facts[kind])
        backward = {system: facts["backward"] for system, facts in found.items()}
    processor = next(line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line)
    record = {
        "date": datetime.date.today().isoformat(),
        "processor": processor.partition(":")[2].strip(),
        "cores": os.cpu_count(),
        "load": load,
        "steps": steps,
        "links": links,
        "overlap": overlap,
        "backward": backward,
    }
    (HERE / "measured.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
