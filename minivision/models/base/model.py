"""What every system of the lecture has in common, so that one trainer, evaluator and command line serve them all."""

import numpy as np

from minivision.core.devices import get_array_module, to_device_of
from minivision.layers.layer import Layer


class Model(Layer):
    """A system: its parts, its way forward, its losses, its way back and its prediction.

    A subclass gives ``forward``, ``losses``, ``backward`` and ``predict``; the rest is written here, once.

    After ``to("cupy")`` outputs and gradients lie on the GPU. Lists of objects, true or predicted, stay on the host:
    so losses move their targets to the outputs (:func:`minivision.core.devices.to_device_of`), and predictions move outputs
    to the host (:func:`minivision.core.devices.on_host`).

    Parameters
    ----------
    classes : sequence of str
        Names of the classes; the first is the background.
    options : dict
        Everything else the subclass was made with, to make it again from a checkpoint.

    Attributes
    ----------
    name : str
        What the system is called everywhere: on the command line, as a file, in tables.
    task : str
        ``"segmentation"``, ``"localization"``, ``"pose"`` or ``"detection"``: what it predicts and how it is evaluated.
    recipe : dict
        Its training defaults: ``batch_size``, ``rate``, ``weight_decay``, ``flips``, as the trainer's arguments.
    scene_options : dict
        What scenes it is for, as arguments of :class:`minivision.data.Scenes`: the command line draws these.
    keypoint_names : tuple of str
        Of the joints that it predicts, if it does.
    """

    name = ""
    task = "segmentation"
    recipe = {}
    scene_options = {}
    keypoint_names = ()

    def __init__(self, classes, **options):
        self.classes = tuple(classes)
        self.options = options

    def forward(self, images, training=False):
        """Return the outputs of the network for `images`.

        Parameters
        ----------
        images : ndarray, (N, 3, H, W)
            As :meth:`normalize` makes them.
        training : bool
            Whether to remember what :meth:`backward` needs.
        """
        raise NotImplementedError(f"{self.name} has no forward pass yet")

    def losses(self, outputs, batch):
        """Return ``{name: loss}`` and the gradient for `outputs` of the losses' sum.

        Parameters
        ----------
        outputs : what :meth:`forward` returned
        batch : minivision.data.Batch
        """
        raise NotImplementedError(f"{self.name} has no losses yet")

    def predict(self, images):
        """Return one prediction an image: a label map ``(H, W)``, or an ``Instances``.

        Parameters
        ----------
        images : sequence of uint8 ndarray, (H, W, 3)
            They may have several sizes.
        """
        raise NotImplementedError(f"{self.name} cannot predict yet")

    def prepare(self, dataset):
        """Do what must be done once before training (proposals, anchors). By default nothing.

        Returns
        -------
        Dataset or None
            What to train on in the place of `dataset`, if anything.
        """

    def finish(self, dataset):
        """Do what must be done once after training (support vector machines). By default nothing."""

    def step(self, batch):
        """Go forward, take the losses, go back: leave the gradients in the parameters, return the named losses."""
        self.zero_gradients()
        outputs = self.forward(self.normalize(batch.images), training=True)
        losses, gradients = self.losses(outputs, batch)
        self.backward(gradients)
        return losses

    def normalize(self, images):
        """Turn uint8 images ``(N, H, W, 3)`` into the network's input ``(N, 3, H, W)``, values about -2..2."""
        images = to_device_of(images, self.first_parameter().value)  # while they are small: a byte for each number
        N, H, W, _ = images.shape
        x = get_array_module(images).empty((N, 3, H, W), self.dtype)
        for channel in range(3):
            np.subtract(images[..., channel], x.dtype.type(127.5), out=x[:, channel])
        x *= x.dtype.type(1 / 64)
        return x


def groups_of_one_size(images, most):
    """Split images of any sizes into batches of one size.

    Parameters
    ----------
    images : sequence of uint8 ndarray, (H, W, 3)
    most : int
        Images in a batch, at most.

    Yields
    ------
    indices : list of int
        Which of `images` these are.
    batch : uint8 ndarray, (N, H, W, 3)
    """
    by_size = {}
    for index, image in enumerate(images):
        by_size.setdefault(image.shape[:2], []).append(index)
    for indices in by_size.values():
        for start in range(0, len(indices), most):
            together = indices[start : start + most]
            yield together, np.stack([images[index] for index in together])


def pad_to_multiple(images, step):
    """Repeat the last row and column of images ``(N, H, W, 3)`` until height and width divide by `step`."""
    height, width = images.shape[1:3]
    return np.pad(images, ((0, 0), (0, -height % step), (0, -width % step), (0, 0)), mode="edge")


def class_probabilities(scores):
    """Return the softmax of class scores ``(K, C)``."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))  # the largest exponent is 0: no overflow
    return exponentials / exponentials.sum(axis=1, keepdims=True)
