"""Write docs/scaling.md and its two pictures from ``page.md.in``, ``measured.json`` and the sizes of the systems.

    python docs/scaling/write.py

Places in double braces are the functions of ``PLACES``. ``measure.py`` measures anew.
"""

from __future__ import annotations

import json
import pathlib
import statistics
from typing import Any

from minivision.core.atomic import atomic_write
from minivision.models import make_model, system_class, systems
from minivision.training.overlap import group_bytes

HERE = pathlib.Path(__file__).parent
PAGE, IMAGES = HERE.parent / "scaling.md", HERE.parent / "images"
RANKS = (2, 4, 8, 16, 32, 64)
CABLES = {"1gbit": 1e9 / 8, "10gbit": 10e9 / 8}  # bytes a second
NAMES = {"1gbit": "1 Gbit/s", "10gbit": "10 Gbit/s"}
CLASSES = ("background", *"abcde")


def sum_seconds(ranks: int, size: float, latency: float, bandwidth: float) -> float:
    """Return how long the sum of an array of so many bytes takes; latency in seconds, bandwidth in bytes a second.

    In each of two rounds a rank sends a message to every other one, of the size of a part; as if one came after the
    other.
    """
    messages = 2 * (ranks - 1)
    return messages * latency + messages * (size / ranks) / bandwidth


def measured() -> dict[str, Any]:
    """Return the record."""
    return json.loads((HERE / "measured.json").read_text(encoding="utf-8"))


def link(record: dict[str, Any], cable: str) -> tuple[float, float]:
    """Return latency and bandwidth of a cable.

    Both are from messages over TCP on the cable of 1 Gbit/s; one of 10 Gbit/s reaches the same fraction of its speed.
    """
    slow = record["links"]["1gbit"]
    return slow["latency"], slow["bandwidth"] / CABLES["1gbit"] * CABLES[cable]


def gradient_bytes(system: str) -> int:
    """Return the bytes of all gradients of a system in float32."""
    options = {"keypoint_names": ("head", "foot"), "keypoint_classes": ("a",)} if system == "mask-rcnn" else {}
    classes = CLASSES[:2] if system == "pose" else CLASSES
    return 4 * sum(parameter.value.size for parameter in make_model(system, classes, **options).parameters())


def median(record: dict[str, Any], system: str, which: str) -> float:
    """Return the median seconds of a step; `which` is ranks x threads."""
    return statistics.median(record["steps"][system][which])


def steps_here(record: dict[str, Any]) -> str:
    """Return the table of steps of one rank with two threads, and two ranks with one."""
    lines = [
        "| system | 1 rank x 2 threads | 2 ranks x 1 thread | ratio | 1 rank x 1 thread |",
        "|---|---|---|---|---|",
    ]
    for system in record["steps"]:
        one, two, single = (median(record, system, which) for which in ("1 x 2", "2 x 1", "1 x 1"))
        lines.append(f"| `{system}` | {ms(one)} | {ms(two)} | {two / one:.2f} | {ms(single)} |")
    return "\n".join(lines)


def links_here(record: dict[str, Any]) -> str:
    """Return the table of what messages cost, with the model beside the measured sums."""
    head = "| between two ranks | latency | bandwidth | sum of 0.1 MB: measured, model | 1 MB | 4 MB |"
    lines = [head, "|---|---|---|---|---|---|"]
    for name, title in (("memory", "memory of one machine"), *NAMES.items()):
        facts = record["links"][name]
        sums = [
            f"{ms(seconds)}, {ms(sum_seconds(2, int(size), facts['latency'], facts['bandwidth']))}"
            for size, seconds in facts["sums"].items()
        ]
        latency, bandwidth = f"{1e6 * facts['latency']:.0f} µs", f"{facts['bandwidth'] / 1e6:,.0f} MB/s"
        lines.append(f"| {title} | {latency} | {bandwidth} | {' | '.join(sums)} |")
    return "\n".join(lines)


def sums_of_systems(record: dict[str, Any]) -> str:
    """Return the table of the seconds that the sum of a system's gradients takes."""
    lines = [
        "| system | gradients | " + " | ".join(f"{NAMES[cable]}: 2, 8, 64 machines" for cable in CABLES) + " |",
        "|---|---|---|---|",
    ]
    for system in systems():
        size = gradient_bytes(system)
        cells = [
            ", ".join(f"{1e3 * sum_seconds(ranks, size, *link(record, cable)):.1f}" for ranks in (2, 8, 64)) + " ms"
            for cable in CABLES
        ]
        lines.append(f"| `{system}` | {size / 1e6:.2f} MB | {' | '.join(cells)} |")
    return "\n".join(lines)


def waiting(record: dict[str, Any], system: str, ranks: int, cable: str, backward: float) -> float:
    """Return how long a step waits for its sum if gradients are sent during a backward pass of so many seconds.

    A group is sent when it is complete and the one before has arrived; what is in no group, after the backward pass.
    """
    size, cable_is_free, sent = gradient_bytes(system), 0.0, 0.0
    for when, share in record["backward"][system]["completed"]:
        group = share * size - sent
        if group >= group_bytes(ranks):
            cable_is_free = max(cable_is_free, when * backward) + sum_seconds(ranks, group, *link(record, cable))
            sent = share * size
    return max(0.0, cable_is_free - backward) + sum_seconds(ranks, size - sent, *link(record, cable))


def speedup(
    record: dict[str, Any], system: str, ranks: int, cable: str, images: int | None = None, *, during: bool = False
) -> float:
    """Return how many times as many images a second so many machines train on as one does.

    Each machine takes the system's usual batch, or with `images` all of them together take so many. The gradients are
    sent after the backward pass, or `during` it.
    """
    batch = system_class(system).recipe["batch_size"]
    per_image = median(record, system, "1 x 2") / batch
    share = batch if images is None else images / ranks
    alone = share * per_image
    if during:
        backward = record["backward"][system]["share"] * alone
        messages = waiting(record, system, ranks, cable, backward)
    else:
        messages = sum_seconds(ranks, gradient_bytes(system), *link(record, cable))
    return ranks * alone / (alone + messages)


def speedups(record: dict[str, Any]) -> str:
    """Return the table of speedups."""
    lines = ["| system | cable | batch | " + " | ".join(map(str, RANKS)) + " |", "|---|---|---|" + "---|" * len(RANKS)]
    for system in record["steps"]:
        batch = system_class(system).recipe["batch_size"]
        for cable in CABLES:
            for images, title in ((None, f"{batch} on each"), (64, "64 in all")):
                pairs = [
                    [speedup(record, system, ranks, cable, images, during=during) for during in (False, True)]
                    for ranks in RANKS
                ]
                row = " | ".join(f"{after:.1f}, {during:.1f}" for after, during in pairs)
                lines.append(f"| `{system}` | {NAMES[cable]} | {title} | {row} |")
    return "\n".join(lines)


def overlap(record: dict[str, Any]) -> str:
    """Return the table of steps of two ranks whose gradients are sent after or during the backward pass."""
    lines = ["| between two ranks | system | sent after it | during it | ratios | model |", "|---|---|---|---|---|---|"]
    for cable, title in (("memory", "memory of one machine"), *NAMES.items()):
        for system, facts in record["overlap"][cable].items():
            after, during = (", ".join(f"{1e3 * each:.1f}" for each in facts[kind]) for kind in ("after", "during"))
            model = f"{overlap_ratio(record, system, cable):.2f}" if cable in CABLES else "-"
            ratios = ", ".join(f"{each:.2f}" for each in overlap_ratios(record, system, cable))
            lines.append(f"| {title} | `{system}` | {after} ms | {during} ms | {ratios} | {model} |")
    return "\n".join(lines)


def overlap_ratios(record: dict[str, Any], system: str, cable: str) -> list[float]:
    """Return by which factor a step changed with gradients sent during the backward pass, in each run."""
    facts = record["overlap"][cable][system]
    return [during / after for during, after in zip(facts["during"], facts["after"], strict=True)]


def overlap_ratio(record: dict[str, Any], system: str, cable: str) -> float:
    """Return the same as the model has it."""
    alone = min(record["overlap"]["memory"][system]["after"])
    after = sum_seconds(2, gradient_bytes(system), *link(record, cable))
    during = waiting(record, system, 2, cable, record["backward"][system]["share"] * alone)
    return (alone + during) / (alone + after)


def machine(record: dict[str, Any]) -> str:
    """Return when and where was measured, and whether other programs were running, which makes threads wait."""
    busy = f", **while other programs used them** (a load of {record['load']:.0f})" if record["load"] > 1 else ""
    return f"{record['date']}, {record['cores']} cores of an {record['processor']}{busy}"


def communication(record: dict[str, Any]) -> str:
    """Return the fraction of a step that the sum of the gradients takes between two ranks of one machine."""
    fractions = []
    for system in record["steps"]:
        facts = record["links"]["memory"]
        seconds = sum_seconds(2, gradient_bytes(system), facts["latency"], facts["bandwidth"])
        fractions.append(100 * seconds / median(record, system, "2 x 1"))
    return f"{min(fractions):.1f} to {max(fractions):.1f} %"


PLACES = {
    "steps": steps_here,
    "links": links_here,
    "sums": sums_of_systems,
    "speedups": speedups,
    "overlap": overlap,
    "machine": machine,
    "communication": communication,
}


def ms(seconds: float) -> str:
    """Return a time in milliseconds, to three digits."""
    return f"{1e3 * seconds:.3g} ms"


def page() -> str:
    """Return the page."""
    text, record = (HERE / "page.md.in").read_text(encoding="utf-8"), measured()
    for name, write in PLACES.items():
        text = text.replace("{{" + name + "}}", write(record))
    return text


def draw_speedups(record: dict[str, Any]) -> None:
    """Draw the speedup of each system over the number of machines, a panel for each cable; dotted without overlap."""
    import matplotlib.pyplot as plt

    from minivision.viz.colors import BLUE, GREEN, VERMILION

    figure, panels = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    for panel, cable in zip(panels, CABLES, strict=True):
        panel.plot((1, *RANKS), (1, *RANKS), color="0.7", label="no cost")
        for system, color, marker in zip(record["steps"], (BLUE, VERMILION, GREEN), "osD", strict=False):
            for during, style in ((True, "-"), (False, ":")):
                values = [1, *(speedup(record, system, ranks, cable, during=during) for ranks in RANKS)]
                label = system if during else None
                panel.plot((1, *RANKS), values, style, marker=marker, markersize=5, color=color, label=label)
        panel.set(xscale="log", yscale="log", xlabel="machines", title=NAMES[cable])
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_ticks((1, *RANKS), list(map(str, (1, *RANKS))))
            axis.set_ticks([], minor=True)
    panels[0].set_ylabel("times the images a second of one")
    panels[0].legend(frameon=False)
    figure.savefig(IMAGES / "scaling.png", dpi=110)
    plt.close(figure)


def draw_rounds() -> None:
    """Draw who holds which part of the gradient after each round, for three ranks."""
    import matplotlib.pyplot as plt

    from minivision.viz.colors import BLUE, GREEN, VERMILION

    titles = (
        "own gradients",
        "after round 1: own part of all",
        "added up: one part of the sum",
        "after round 2: the sum",
    )
    figure, panels = plt.subplots(1, 4, figsize=(11, 2.9), layout="constrained")
    colors = BLUE, VERMILION, GREEN
    for number, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        for rank in range(3):
            for part in range(3):
                y, x = 2 - rank, part
                if number == 0:
                    cells = [(colors[rank], f"{'abc'[part]}{rank}")]
                elif number == 1:
                    cells = [(colors[q], f"{'abc'[part]}{q}") for q in range(3)] if part == rank else []
                else:
                    cells = [("0.25", f"Σ{'abc'[part]}")] if number == 3 or part == rank else []
                for k, (color, text) in enumerate(cells):
                    height = 0.8 / len(cells)
                    bottom = y - 0.4 + (len(cells) - 1 - k) * height
                    panel.add_patch(plt.Rectangle((x - 0.45, bottom), 0.9, height, facecolor=color, edgecolor="white"))
                    size = 11 if len(cells) == 1 else 7.5
                    panel.text(x, bottom + height / 2, text, ha="center", va="center", color="white", fontsize=size)
        panel.set(xlim=(-0.6, 2.6), ylim=(-0.6, 2.6), title=title, xticks=range(3), yticks=range(3))
        panel.set_xticklabels(["part a", "part b", "part c"])
        panel.set_yticklabels(["rank 2", "rank 1", "rank 0"] if number == 0 else [""] * 3)
        panel.tick_params(length=0)
        panel.title.set_fontsize(10)
        for side in panel.spines.values():
            side.set_visible(False)
    figure.savefig(IMAGES / "scaling-rounds.png", dpi=110)
    plt.close(figure)


def main() -> None:
    """Write the page, and draw."""
    with atomic_write(PAGE) as partial:
        partial.write_text(page(), encoding="utf-8")
    draw_speedups(measured())
    draw_rounds()


if __name__ == "__main__":
    main()
