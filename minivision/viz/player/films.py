"""Films and pictures of a trace, for places where no player runs: GIF, MP4, SVG and PNG."""

from __future__ import annotations

import shutil
import subprocess
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


def _pictures(trace, dpi) -> Iterator[Array]:
    """Yield the pictures of all steps: uint8 arrays of shape (H, W, 3), H and W even, as films need them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = Canvas(trace.panels, dpi=dpi)
    surface = FigureCanvasAgg(canvas.figure)
    for k in range(len(trace.steps)):
        canvas.draw(step_frame(trace, k))
        surface.draw()
        image = np.asarray(surface.buffer_rgba())[..., :3]
        yield np.ascontiguousarray(image[: len(image) // 2 * 2, : image.shape[1] // 2 * 2])


def _save_gif(trace, path, *, step, pace, dpi):
    from PIL import Image

    images = [Image.fromarray(picture) for picture in _pictures(trace, dpi)]
    palette = images[-1].quantize(64)  # one for all, so that nothing flickers
    frames = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    time = round(1000 / pace)
    times = [time] * (len(frames) - 1) + [LAST * time]
    with atomic_write(path) as file:
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=False)


def _save_mp4(trace, path, *, step, pace, dpi):
    program = shutil.which("ffmpeg")
    if program is None:
        raise ValueError(
            f"path: {path.name} is written by the program ffmpeg, which is not installed; a .gif needs none"
        )
    pictures = list(_pictures(trace, dpi))
    height, width = pictures[0].shape[:2]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(pace), "-i", "-"]
    target = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-r", "25", "-movflags", "+faststart", "-f", "mp4"]
    frames = b"".join(picture.tobytes() for picture in [*pictures, *pictures[-1:] * (LAST - 1)])
    with atomic_write(path) as file:
        command = [program, "-v", "error", "-y", *source, *target, str(file)]
        done = subprocess.run(command, input=frames, capture_output=True, check=False)
        if done.returncode:
            raise ValueError(
                f"path: ffmpeg could not write {path.name}: {done.stderr.decode(errors='replace').strip()}"
            )


def _save_picture(trace, path, *, step, pace, dpi):
    canvas = Canvas(trace.panels, dpi=dpi)
    canvas.draw(step_frame(trace, range(len(trace.steps))[step]))
    with atomic_write(path) as file:
        canvas.figure.savefig(file, format=path.suffix[1:].lower())


WRITERS: dict[str, Any] = {".gif": _save_gif, ".mp4": _save_mp4, ".svg": _save_picture, ".png": _save_picture}
