"""Write docs/results.md from the records in this folder; with --renew train and measure first.

    python docs/results/write.py                  the page, from the records that are here
    python docs/results/write.py --renew          all of runs.toml anew (hours), then the page
    python docs/results/write.py --renew yolo ssd some of them

``page.md.in`` is the page with places for figures in double braces:

    {{yolo metrics/AP50}}         a value of yolo.json, as .773; {{yolo training/steps}} a count, as 4,431
    {{yolo training/seconds min}} seconds, as 2:05; with a number so many decimals; with s or B 4.40 ms, 14.6 MB
    {{detection table AP50 AP}}   columns of a comparison's table, with spreads
    {{detection differences AP}}  which row is better than the one that it is set beside
    {{detection settings}}        how long, with which seeds
    {{detection note}}            what its file says under "note", if anything: circumstances that nobody can measure
    {{machines}}                  which figures come from which machine

Spaces in names are written _.

``earlier.json`` holds figures from before there were records, with what is known of them. One that has a record of its
own is deleted there.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from typing import Any

from minivision.core.atomic import atomic_write

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parent / "results.md"
IMAGES = HERE.parent / "images"
PLACE = re.compile(r"\{\{([^{}]+)\}\}")


def records() -> dict[str, dict[str, Any]]:
    """Return all records by name: those of ``earlier.json``, and each other file."""
    found = read(HERE / "earlier.json")
    about = found.pop("about")
    found = {name: {**about, **record} for name, record in found.items()}
    for path in sorted(HERE.glob("*.json")):
        if path.stem != "earlier":
            if path.stem in found:
                raise ValueError(f"{path.name}: earlier.json has {path.stem} too; delete it there")
            found[path.stem] = read(path)
    return found


def read(path: pathlib.Path) -> dict[str, Any]:
    """Return a record of a file; its name is in the error of one that is damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no JSON, or no text
        raise ValueError(f"{path.name} cannot be read ({error}); restore it, or measure it anew: --renew") from error
    if not isinstance(record, dict):
        raise ValueError(f"{path.name}: expected an object, got {type(record).__name__}")
    return record


def page() -> str:
    """Return the text of the page."""
    known, used = records(), set()

    def filled(match: re.Match) -> str:
        name, *words = match[1].split()
        if name == "machines":
            return "\0"  # last, when it is known which are used
        if name not in known:
            raise ValueError(f"page.md.in: {match[0]}: there is no record {name}")
        used.add(name)
        try:
            return place(known[name], words)
        except (KeyError, TypeError) as error:
            raise ValueError(f"page.md.in: {match[0]}: {name}.json has no {error}") from error

    text = PLACE.sub(filled, (HERE / "page.md.in").read_text(encoding="utf-8"))
    return text.replace("\0", machines({name: known[name] for name in known if name in used}))


def place(record: dict[str, Any], words: list[str]) -> str:
    """Return what stands in a place: a value, or lines of a table."""
    if words[0] == "table":
        return table(record, words[1:])
    if words == ["note"]:
        return record.get("note", "")  # on the circumstances, written by hand into the record
    if words == ["settings"]:
        from minivision.comparison import ComparisonSettings

        given = {"minutes": None, **record["settings"], "seeds": len(record["seeds"])}
        return str(ComparisonSettings(**given))
    if words[0] == "differences":
        return differences(record, words[1])
    value: Any = record
    for key in words[0].split("/"):
        value = value[key if key in value else key.replace("_", " ")]
    return shown(value, words[1] if len(words) > 1 else "")


def shown(value: Any, form: str = "") -> str:
    """Return a value as text: .773, 4,431; with a form as the page's places have it."""
    if form == "min":
        return f"{int(value) // 60}:{int(value) % 60:02d}"
    if form in ("s", "B"):
        from minivision.comparison.table import with_unit

        return with_unit(form)(value)
    if isinstance(value, float):
        text = f"{value:.{form or 3}f}"
        return text.removeprefix("0") if "." in text else text
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(record: dict[str, Any], keys: list[str]) -> str:
    """Return rows and columns of a comparison, with spreads."""
    comparison = comparison_of(record)
    columns = [next(column for column in comparison.columns if column.key == key) for key in keys]
    lines = [f"| | | {' | '.join(column.head for column in columns)} |", f"|---|---|{'---:|' * len(columns)}"]
    group = None
    for row in comparison.rows:
        values = record["rows"].get(row.title)
        if values:
            cells = [column.text(values) for column in columns]
            lines.append(f"| {row.group if row.group != group else ''} | {row.name} | {' | '.join(cells)} |")
            group = row.group
    return "\n".join(lines)


def differences(record: dict[str, Any], metric: str) -> str:
    """Return how much better each row is than the one that its comparison sets beside it."""
    comparison = comparison_of(record)
    rows = [row for row in comparison.rows if row.title in record["rows"]]
    table = {row.title: record["rows"].get(row.title, {}) for row in comparison.rows}
    known = {(each["row"], each["other"]): each for each in record["differences"] if each["metric"] == metric}
    title = next(column.head for column in comparison.columns if column.key == metric)
    lines = [f"| | than | {title} better by | interval of 95 % | better in |", "|---|---|---:|---:|---:|"]
    for one, other in comparison.pairs(rows, table, metric):
        found, sign = known.get((one.title, other.title)), 1
        if found is None:
            found, sign = known.get((other.title, one.title)), -1
        if found is not None:
            low, high = sorted((sign * found["low"], sign * found["high"]))
            share = found["better_share"] if sign > 0 else 1 - found["better_share"]
            better = f"{sign * found['difference']:+.3f} | {low:+.3f} to {high:+.3f} | {share:.1%}"
            lines.append(f"| {one.title} | {other.title} | {better} |")
    return "\n".join(lines)


def comparison_of(record: dict[str, Any]) -> Any:
    """Return the comparison that a record is of."""
    from minivision.cli.compare import get_any_comparison

    return get_any_comparison(record["comparison"])


def machines(used: dict[str, dict[str, Any]]) -> str:
    """Return a table: which records come from which machine, date and versions."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for name, record in used.items():
        machine = f"{record['cores']} cores, {record['processor']}"
        versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        groups.setdefault((record["date"], machine, versions), []).append(name)
    lines = ["| date | machine | versions | records |", "|---|---|---|---|"]
    for (date, machine, versions), names in sorted(groups.items(), reverse=True):
        lines.append(f"| {date} | {machine} | {versions or 'not recorded'} | {', '.join(names)} |")
    return "\n".join(lines)


def renew(names: list[str]) -> None:
    """Train and measure what ``runs.toml`` says, into ``runs/results/NAME``; write the records."""
    runs = tomllib.loads((HERE / "runs.toml").read_text(encoding="utf-8"))
    for name in names or runs:
        if name not in runs:
            raise SystemExit(f"runs.toml has no {name}; it has {', '.join(runs)}")
        folder, record = pathlib.Path("runs/results") / name, HERE / f"{name}.json"
        record = pathlib.Path(os.path.relpath(record))  # it stands in the record, where no machine's paths belong
        if "compare" in runs[name]:
            command(f"compare {runs[name]['compare']} --out {folder} --record {record}")
            if "picture" in runs[name]:
                shutil.copy(folder / "comparison.png", IMAGES / runs[name]["picture"])
        else:
            resume = " --resume" if (folder / "checkpoint.npz").exists() else ""
            command(f"train {runs[name]['train']} --out {folder}{resume}")
            command(f"evaluate {folder} {runs[name].get('evaluate', '')} --record {record}")
            if "questions" in runs[name]:
                add_answers(record, folder, runs[name]["questions"])
        add_commit(record)
        forget(name)


def add_commit(path: pathlib.Path) -> None:
    """Add to a record the commit that was checked out, if there is one."""
    found = subprocess.run(
        ["git", "-C", str(HERE), "describe", "--always", "--dirty"], capture_output=True, check=False
    )
    if found.returncode == 0:
        record = json.loads(path.read_text(encoding="utf-8"))
        record = {"date": record["date"], "commit": found.stdout.decode().strip(), **record}
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def add_answers(path: pathlib.Path, folder: pathlib.Path, options: str) -> None:
    """Add to the record of a captioner what it says to the questions of ``minivision.comparison.captions``."""
    words = [sys.executable, "-m", "minivision.comparison.captions", str(folder), *shlex.split(options), "--json"]
    print(shlex.join(["python", *words[1:]]), flush=True)
    answers = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    record = json.loads(path.read_text(encoding="utf-8"))
    with atomic_write(path) as partial:
        partial.write_text(json.dumps({**record, "answers": answers}, indent=1) + "\n", encoding="utf-8")


def command(words: str) -> None:
    """Run a minivision command, and end if it fails."""
    print(f"minivision {words}", flush=True)
    if subprocess.run([sys.executable, "-m", "minivision", *shlex.split(words)], check=False).returncode:
        raise SystemExit(f"stopped: minivision {words}")


def forget(name: str) -> None:
    """Take a figure that has a record of its own now out of ``earlier.json``."""
    path = HERE / "earlier.json"
    earlier = json.loads(path.read_text(encoding="utf-8"))
    if earlier.pop(name, None) is not None:
        path.write_text(json.dumps(earlier, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renew", nargs="*", metavar="NAME", help="train and measure these of runs.toml first, or all")
    args = parser.parse_args()
    if args.renew is not None:
        renew(args.renew)
    try:
        text = page()
    except (ValueError, OSError) as error:
        raise SystemExit(f"{PAGE.name} is left as it was: {error}") from None
    with atomic_write(PAGE) as partial:
        partial.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
