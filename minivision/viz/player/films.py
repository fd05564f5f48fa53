"""Films and pictures of a trace, for places where no player runs: GIF, MP4, SVG and PNG."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.core.types import Array
from minivision.tracing import Trace
from minivision.viz.canvas import Canvas
from minivision.viz.player.pictures import step_frame

DPI, LARGE_DPI = 110, 220
LAST = 4  # times as long as the others the last step of a film is shown


def save(trace: Trace, path: Path, *, step: int, pace: float, large: bool) -> None:
    """Write a film or a picture, by the ending of its name.

    Parameters
    ----------
    trace : Trace
    path : Path
    step : int
        The step of a picture.
    pace : float
        Steps a second of a film.
    large : bool
        Whether it has twice as many pixels.
    """
    if not trace.steps:
        raise ValueError(f"{trace.title} wrote nothing, so there is nothing to show")
    if not pace > 0:
        raise ValueError(f"pace: expected steps a second, more than 0, got {pace}")
    dpi = LARGE_DPI if large else DPI
    WRITERS[path.suffix.lower()](trace, path, step=step, pace=pace, dpi=dpi)


def _pictures(trace, steps, dpi) -> Iterator[Array]:
    """Yield the pictures of steps, one at a time: uint8 arrays (H, W, 3), H and W even, as films need them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = Canvas(trace.panels, dpi=dpi)
    surface = FigureCanvasAgg(canvas.figure)
    for k in steps:
        canvas.draw(step_frame(trace, k))
        surface.draw()
        image = np.asarray(surface.buffer_rgba())[..., :3]
        yield np.ascontiguousarray(image[: len(image) // 2 * 2, : image.shape[1] // 2 * 2])


def _save_gif(trace, path, *, step, pace, dpi):
    from PIL import Image

    steps = range(len(trace.steps))
    (last,) = _pictures(trace, steps[-1:], dpi)
    palette = Image.fromarray(last).quantize(64)  # one for all, so that nothing flickers
    frames = (
        Image.fromarray(picture).quantize(palette=palette, dither=Image.Dither.NONE)
        for picture in _pictures(trace, steps, dpi)
    )
    time = round(1000 / pace)
    times = [time] * (len(steps) - 1) + [LAST * time]
    with atomic_write(path) as file:
        next(frames).save(file, "GIF", save_all=True, append_images=frames, duration=times, loop=0, optimize=False)


def _save_mp4(trace, path, *, step, pace, dpi):
    program = shutil.which("ffmpeg")
    if program is None:
        raise ValueError(f"path: {path.name} is written by the program ffmpeg, which is not installed; save a .gif")
    steps = range(len(trace.steps))
    (last,) = _pictures(trace, steps[-1:], dpi)
    height, width = last.shape[:2]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(pace), "-i", "-"]
    target = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-r", "25", "-movflags", "+faststart", "-f", "mp4"]
    pictures = itertools.chain(_pictures(trace, steps, dpi), [last] * (LAST - 1))
    with atomic_write(path) as file, tempfile.TemporaryFile() as errors:
        command = [program, "-v", "error", "-y", *source, *target, str(file)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=errors) as process:
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                for picture in pictures:
                    pipe.write(picture.tobytes())
        if process.returncode:
            errors.seek(0)
            reason = errors.read().decode(errors="replace").strip()
            raise ValueError(f"path: ffmpeg could not write {path.name}: {reason}")


def _save_picture(trace, path, *, step, pace, dpi):
    canvas = Canvas(trace.panels, dpi=dpi)
    canvas.draw(step_frame(trace, step))
    with atomic_write(path) as file:
        canvas.figure.savefig(file, format=path.suffix[1:].lower())


WRITERS: dict[str, Any] = {".gif": _save_gif, ".mp4": _save_mp4, ".svg": _save_picture, ".png": _save_picture}
