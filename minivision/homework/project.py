"""The folder that students get of an open project: a statement, a baseline that works, a report to fill in, a rubric.

An open project has no tasks and no tests. Its files are in ``hwK/handout``; students get them with the data and the
minutes of the course, and the whole library. :mod:`minivision.homework.judging` judges what they hand in.
"""

import json
import pathlib

from minivision.data import DataSpec
from minivision.homework.library import whole_library, write_wheel
from minivision.homework.release import files_in, new_folder

MINUTES = 5  # how long a detector may be trained
LEVEL = "hard"  # of scenes
_HERE = pathlib.Path(__file__).parent
_CONSTANTS = 'DATA, LEVEL, MINUTES = "scenes", "hard", 5\n'  # of the baseline, as it stands in the library
_INSTALL = """\
```
python3 -m venv .venv && . .venv/bin/activate && pip install ./{wheel}
```

That is the whole library, in an environment of its own: those of the homework before lack what you wrote yourselves.

"""


def hand_out(name, folder, *, data="scenes", level=LEVEL, minutes=MINUTES, library=True):
    """Write the folder of an open project.

    Parameters
    ----------
    name : str
        ``"hw4"``.
    folder : path
        A new or empty folder.
    data : str
        What the detectors are trained on, as students will name it: ``scenes``, ``voc:bccd``.
    level : str
        Of scenes.
    minutes : float
        How long a detector may be trained.
    library : bool
        Whether students need the library: it is added as a wheel.

    Returns
    -------
    files : list of str
        Paths of its files, relative to the folder.

    Raises
    ------
    ValueError
        If the folder is not empty, or `data` is no dataset.
    """
    data = str(DataSpec.parse(data))
    with new_folder(folder) as partial:
        words = {"data": data, "minutes": f"{minutes:g}", "install": ""}
        words["data_said"] = f"`scenes` of level *{level}*" if data == "scenes" else f"`{data}`"
        words["data_options"] = f"--data {data}" + (f" --level {level}" if data == "scenes" else "")
        if library:
            words["install"] = _INSTALL.format(wheel=write_wheel(whole_library(), name, partial).name)
        for path in sorted((_HERE / name / "handout").iterdir()):
            text = path.read_text(encoding="utf-8")
            if path.name == "README.md":
                text = text.format(**words)
            elif path.suffix == ".py":
                constants = f"{json.dumps(data)}, {json.dumps(level)}, {minutes:g}"
                text = text.replace(_CONSTANTS, f"DATA, LEVEL, MINUTES = {constants}\n")
            (partial / path.name).write_text(text, encoding="utf-8")
    return files_in(folder)


def rubric(name):
    """Return the rubric of an open project, which its students have too."""
    return (_HERE / name / "handout" / "rubric.md").read_text(encoding="utf-8")
