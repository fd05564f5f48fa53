"""The interface of every system, so that one trainer, one evaluator and one command line serve all of them."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from minivision.core.allocator import keep_freed_memory
from minivision.core.chunks import chunks_by_pixels
from minivision.core.devices import get_array_module, to_device_of
from minivision.core.dispatch import fused_kernel
from minivision.core.types import Array, Size
from minivision.data.any_image import as_rgb_list
from minivision.layers.layer import Layer

if TYPE_CHECKING:
    from minivision.data import Batch, Dataset, Sample
    from minivision.layers.summary import Summary

logger = logging.getLogger("minivision")  # what systems report while they prepare, level INFO


class Model(Layer):
    """A system: its layers, its losses and its predictions.

    A training step is written once, in :meth:`step`, and calls three methods that every system defines:

    ::

        outputs = model.forward(model.normalize(batch.images), training=True, batch=batch)
        losses, gradients = model.losses(outputs, batch)
        model.backward(gradients)

    ``forward`` runs all layers. Systems that train on a sample (patches, anchors, proposals) draw it there, with the
    ground truth in `batch`, and return it with the outputs. ``losses`` compares outputs with the ground truth: it runs
    no layer and draws nothing. ``backward`` adds to the gradients of the parameters. For images without ground truth
    there is ``predict``.

    After ``to("cupy")`` outputs and gradients lie on the GPU. Lists of objects, true or predicted, stay on the host:
    so losses move their targets to the outputs (:func:`minivision.core.devices.to_device_of`), and predictions move
    outputs to the host (:func:`minivision.core.devices.on_host`).

    Parameters
    ----------
    classes : sequence of str
        Names of the classes; the first is the background.
    **options
        All other arguments of the subclass, from which a checkpoint makes it again: JSON values or tuples of them.

    Attributes
    ----------
    name : str
        Name of the system on the command line, in files and in tables.
    task : str
        ``"segmentation"``, ``"localization"``, ``"pose"`` or ``"detection"``: what it predicts and how it is evaluated.
    recipe : dict
        Its training defaults, as settings of the trainer: ``batch_size``, ``rate``, ``weight_decay``, ``flips``.
    OPTIONS : dict
        The options that the command line offers, by name. Each is a dict of ``default`` (the value, as the constructor
        takes it), ``help``, and perhaps ``choices`` (the values there are) or ``parse`` (from text to the value; it
        raises ValueError with a message that says what is expected). None is shown as "auto".
    scene_options : dict
        Which scenes it is for, as arguments of :class:`minivision.data.Scenes`.
    picture_score : float
        Pictures show the objects of at least this score; metrics and files take all.
    keypoint_names : tuple of str
        Names of the joints that it predicts, if it does.
    own_optimizer : callable, optional
        ``own_optimizer(model, weight_decay=...)`` makes the optimizer in place of those of this package.
    prediction_batch_size : int
        Largest number of images that go through the network at once in prediction; of large ones fewer do.
    """

    name: ClassVar[str] = ""
    task: ClassVar[str] = "segmentation"
    recipe: ClassVar[Mapping[str, Any]] = {}
    OPTIONS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    scene_options: ClassVar[Mapping[str, Any]] = {}
    prediction_batch_size: int = 16
    picture_score: float = 0.5
    keypoint_names: tuple[str, ...] = ()
    own_optimizer: Callable[..., Any] | None = None

    def __init__(self, classes: Sequence[str], **options: Any) -> None:
        self.classes = tuple(classes)
        self.options = options

    def forward(self, images: Array, training: bool = False, batch: Batch | None = None) -> Any:
        """Return the outputs of the network.

        Parameters
        ----------
        images : ndarray of shape (N, 3, H, W)
            As :meth:`normalize` returns them.
        training : bool
            Whether to keep what :meth:`backward` needs.
        batch : Batch, optional
            The ground truth of the images, for systems that train on a sample of patches, anchors or proposals.
        """
        raise NotImplementedError(f"{self.name} has no forward pass yet")

    def losses(self, outputs: Any, batch: Batch) -> tuple[dict[str, Any], Any]:
        """Return the losses by name, and the gradient of their sum with respect to the outputs.

        Parameters
        ----------
        outputs
            As :meth:`forward` returned them for this batch.
        batch : Batch

        Returns
        -------
        losses : dict
        gradients
            As :meth:`backward` takes them.
        """
        raise NotImplementedError(f"{self.name} has no losses yet")

    def predict(self, images: Sequence[Array]) -> list:
        """Return the prediction for each image.

        Parameters
        ----------
        images : sequence of images
            Each is a uint8 array of shape (H, W, 3), or what :func:`minivision.data.as_rgb` makes one of: gray, with
            transparency, a path, an image of Pillow. They may have several sizes.

        Returns
        -------
        list
            Of label maps, uint8 of shape (H, W), or of :class:`minivision.data.instances.Instances`.
        """
        raise NotImplementedError(f"{self.name} cannot predict yet")

    def prepare(self, dataset: Dataset) -> Dataset | None:
        """Do what is done once before training, such as choosing anchors. By default nothing.

        Returns
        -------
        Dataset or None
            The dataset to train on instead of `dataset`, if another one.
        """
        return None

    def finish(self, dataset: Dataset) -> None:
        """Do what is done once after training, such as fitting support vector machines. By default nothing."""

    def finish_seconds(self, dataset: Dataset) -> float:
        """Estimate how long :meth:`finish` will take, by trying a part of it. By default it takes no time."""
        return 0.0

    def step(self, batch: Batch) -> dict[str, Any]:
        """Compute losses and gradients of a batch; leave the gradients in the parameters and return the losses."""
        self.zero_gradients()
        outputs = self.forward(self.normalize(batch.images), training=True, batch=batch)
        losses, gradients = self.losses(outputs, batch)
        self.backward(gradients)
        return losses

    def normalize(self, images: Array, multiple: int = 1) -> Array:
        """Convert uint8 images into the input of the network.

        Parameters
        ----------
        images : uint8 ndarray of shape (N, H, W, 3)
        multiple : int
            The last row and column are repeated until height and width divide by it. This is the only place where
            images are padded for a stride.

        Returns
        -------
        ndarray of shape (N, 3, H', W')
            Values from about -2 to 2, in the dtype and on the device of the parameters.
        """
        height, width = images.shape[1:3]
        if height % multiple or width % multiple:
            images = np.pad(images, ((0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)), mode="edge")
        parameter = self.first_parameter()
        assert parameter is not None
        images = to_device_of(images, parameter.value)  # while they are small: one byte per number
        dtype, mean, scale = parameter.value.dtype, 127.5, 1 / 64
        fused = fused_kernel("images.normalize", images)
        if fused is not None:
            return fused(images, mean, scale, dtype)
        N, H, W, _ = images.shape
        x = get_array_module(images).empty((N, 3, H, W), dtype)
        for channel in range(3):
            np.subtract(images[..., channel], x.dtype.type(mean), out=x[:, channel])
        x *= x.dtype.type(scale)
        return x

    def map_batches(
        self, images: Sequence[Array], function: Callable[..., Iterable[Any]], *others: Sequence[Any]
    ) -> list:
        """Apply a function to batches of images of one size, and return its results in the order of the images.

        Parameters
        ----------
        images : sequence of images
            As :func:`minivision.data.as_rgb` takes them; they may have several sizes.
        function : callable
            ``function(batch, *parts)`` is called with images ``(N, H, W, 3)`` of one size, at most
            `prediction_batch_size` of them (fewer large ones, see `chunks_by_pixels`), and with a list of the N
            matching elements of each of `others`. It returns N results.
        *others : sequence
            With an element for each image, such as its proposals.

        Returns
        -------
        list
            The result for each image.
        """
        keep_freed_memory()
        images = as_rgb_list(images)
        by_size: dict[Size, list[int]] = {}
        for index, image in enumerate(images):
            by_size.setdefault((image.shape[0], image.shape[1]), []).append(index)
        results: list = [None] * len(images)
        for size, indices in by_size.items():
            for part in chunks_by_pixels([size] * len(indices), self.prediction_batch_size):
                chosen = [indices[position] for position in part]
                batch = np.stack([images[index] for index in chosen])
                parts = ([other[index] for index in chosen] for other in others)
                for index, result in zip(chosen, function(batch, *parts), strict=True):
                    results[index] = result
        return results

    def summary(self, image_size: Size = (128, 128)) -> Summary:  # type: ignore[override]
        """Return a table of the layers for a training step on one image with one object, ready to print.

        Parameters
        ----------
        image_size : (int, int)
            Height and width of the image in pixels.

        Returns
        -------
        Summary
            For each layer the output shape, the parameters, the multiply-adds of the forward pass, and the bytes of
            activations that are kept for the backward pass. The model itself does not change.

        Examples
        --------
        >>> from minivision.models import make_model
        >>> model = make_model("yolo", ("background", "disc", "star"))
        >>> summary = model.summary((64, 64))
        >>> print(summary.rows[1].label, summary.rows[1].output_shape)
        backbone (1, 64, 8, 8)
        """
        from minivision.data import collate
        from minivision.layers.summary import summarize

        trial = copy.deepcopy(self)
        batch = collate([_example(image_size, len(self.keypoint_names))])
        return summarize(trial, lambda: trial.forward(trial.normalize(batch.images), training=True, batch=batch))


def _example(image_size: Size, joints: int) -> Sample:
    """Return a gray image with one object in its middle, annotated in every way that a system may need."""
    from minivision.data import Sample
    from minivision.data.instances import Instances

    height, width = image_size
    box = np.array([[width / 4, height / 4, 3 * width / 4, 3 * height / 4]], np.float32)
    mask = np.zeros((1, height, width), bool)
    mask[0, height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = True
    keypoints = np.tile(np.array([width / 2, height / 2, 2], np.float32), (1, joints, 1)) if joints else None
    instances = Instances(box, np.array([1]), masks=mask, keypoints=keypoints)
    return Sample(np.full((height, width, 3), 127, np.uint8), instances, mask[0].astype(np.uint8), proposals=box)
