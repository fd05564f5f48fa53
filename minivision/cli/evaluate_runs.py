"""The errors of several runs on the same images: ``minivision evaluate RUN RUN ... --errors``."""

import pathlib

from minivision.cli.executors import executor_of
from minivision.cli.options import UsageError, choose_backend, data_of, on_backend, open_data

FILES = ("errors.csv", "errors.md", "errors.png")


def find_runs(folders):
    """Return the folders of runs: those given, and the runs of detectors in a folder of runs, in lecture order.

    Parameters
    ----------
    folders : list of pathlib.Path
        A folder with a checkpoint is a run; one that has folders of runs stands for these, such as the folder of
        ``minivision compare detection``.

    Returns
    -------
    runs : list of (pathlib.Path, Checkpoint)

    Raises
    ------
    UsageError
        If a run is given twice, or is of no detector.
    FileNotFoundError, CheckpointError
        As `Checkpoint.load`.
    """
    from minivision.training import Checkpoint

    runs = []
    for folder in folders:
        inside = runs_in(folder)
        runs += _detectors(folder, inside) if inside else [(folder, Checkpoint.load(folder))]
    places = [path.resolve() for path, _ in runs]
    for path, checkpoint in runs:
        if not _detects(checkpoint):
            raise UsageError(
                "errors of several runs are compared of detectors that tell classes apart, and "
                f"{path} is a run of {checkpoint.system}, which is none"
            )
        if places.count(path.resolve()) > 1:
            raise UsageError(f"{path} is given twice; each run is compared once")
    return runs


def runs_in(folder):
    """Return the folders of runs in a folder that is none itself."""
    from minivision.training.checkpoint import CHECKPOINT

    if not folder.is_dir() or (folder / CHECKPOINT).exists():
        return []
    return sorted(each.parent for each in folder.glob(f"*/{CHECKPOINT}"))


def _detectors(folder, inside):
    """Return those runs in a folder that are of detectors, in lecture order."""
    import logging

    from minivision.models import systems
    from minivision.training import Checkpoint

    runs = [(path, Checkpoint.load(path)) for path in inside]
    others = [path.name for path, checkpoint in runs if not _detects(checkpoint)]
    runs = [run for run in runs if _detects(run[1])]
    if not runs:
        raise UsageError(
            "errors of several runs are compared of detectors that tell classes apart, and none of the runs in "
            f"{folder} is one: {', '.join(others)}"
        )
    if others:
        logging.getLogger("minivision").info("%s: left out: %s, no detectors of classes", folder, ", ".join(others))
    return sorted(runs, key=lambda run: systems().index(run[1].system))


def _detects(checkpoint):
    from minivision.models import system_class

    return system_class(checkpoint.system).task == "detection"


def compare_runs(args):
    """Evaluate several runs on the same images.

    Returns
    -------
    comparison : ErrorComparison
    about : dict
        The data, and what each run is.
    """
    from minivision.data.memory import hold_in_memory
    from minivision.tasks.error_comparison import compare_errors

    runs = find_runs(args.run_folder)
    choose_backend(args)
    names, models, described = _names(runs), {}, {}
    for name, (path, checkpoint) in zip(names, runs, strict=True):
        models[name] = on_backend(args, checkpoint.make_model())
        described[path] = data_of(args, {**checkpoint.data, "split": "val"}, models[name])
    data = _the_same(described)
    dataset = open_data(data)
    if data["size"] is not None:
        dataset = hold_in_memory(dataset, size=tuple(data["size"]), keep_all=True)
    with executor_of(args) as executor:
        comparison = compare_errors(models, dataset, progress=True, executor=executor)
    about = {name: data[name] for name in ("data", "level", "split", "size")}
    if data["data"] != "scenes":
        del about["level"]
    about["images"] = len(dataset)
    about["runs"] = {
        name: {"run": str(path), "system": each.system, "step": each.step, "total": each.total}
        for name, (path, each) in zip(names, runs, strict=True)
    }
    return comparison, about


def _names(runs):
    """Return a name for each run: its system, or where a system occurs twice its folder."""
    names = [checkpoint.system for _, checkpoint in runs]
    return names if len(set(names)) == len(names) else [str(path) for path, _ in runs]


def _the_same(described):
    """Return the one description of the data of all runs; raise UsageError if they differ."""
    (first, data), *others = described.items()
    for path, other in others:
        if other != data:
            raise UsageError(
                f"errors are compared on the same images, but {first} would be evaluated on {_said(data, other)} and "
                f"{path} on {_said(other, data)}; give --data, --level, --split or --size for all of them"
            )
    return data


def _said(data, other):
    """Return a description of data: what they are, and in which settings they differ from others."""
    where = [
        str(data["data"]),
        *(str(data[name]) for name in ("level", "split") if data["data"] == "scenes" or name == "split"),
    ]
    differing = [name for name in sorted({*data, *other}) if data.get(name) != other.get(name)]
    rest = [f"{name} {data.get(name)}" for name in differing if name not in ("data", "level", "split")]
    return f"{', '.join(where)}" + (f" ({'; '.join(rest)})" if rest else "")


def head(about):
    """Return in a sentence which systems were evaluated, and on what."""
    where = [about["data"], *(about[name] for name in ("level", "split") if name in about)]
    runs = [f"{name} after step {run['step']} of {run['total']}" for name, run in about["runs"].items()]
    return f"{about['images']} images ({', '.join(where)}): {', '.join(runs)}"


def write(folder: pathlib.Path, comparison, about):
    """Write the table as CSV and Markdown, and the picture."""
    from minivision.core.atomic import atomic_write
    from minivision.tasks.error_table import comparison_csv, comparison_markdown

    folder.mkdir(parents=True, exist_ok=True)
    where = ", ".join([about["data"], *(about[name] for name in ("level", "split") if name in about)])
    figure = comparison.draw(subtitle=f"{about['images']} images ({where})")
    for name, content in zip(
        FILES, (comparison_csv(comparison), comparison_markdown(comparison, head(about))), strict=False
    ):
        with atomic_write(folder / name) as partial:
            partial.write_text(content, encoding="utf-8")
    with atomic_write(folder / FILES[2]) as partial:
        figure.savefig(partial, format="png")


def as_dict(comparison, about):
    """Return everything as one dict of plain values."""
    content = comparison.as_dict()
    for name, system in content["systems"].items():
        content["systems"][name] = {**about["runs"][name], **system}
    return {**{key: value for key, value in about.items() if key != "runs"}, **content}
