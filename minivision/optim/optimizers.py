"""SGD, Adam and AdamW, with the values of ``torch.optim``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minivision.core.devices import on_host, to_device_of
from minivision.core.types import Array
from minivision.layers.layer import Layer, Parameter

# The moments of a weight without gradient shrink for ever, and numbers below 1e-38 are slow to compute with. So those
# below NEGLIGIBLE become 0, every so many steps: too few for a moment to get from there to 1e-38.
NEGLIGIBLE, STEPS_TO_NEGLECT = 1e-30, 16


class Optimizer:
    """Base of optimizers: :meth:`step` moves the parameters, a subclass computes the :meth:`direction`.

    The gradients are gathered into one flat array, so that a step costs a few passes over one array rather
    than a few calls for each of many small ones. The parameters themselves stay where they are.

    Parameters
    ----------
    model : Layer
        Its parameters are collected now: after a change of its layers, make a new optimizer.
    weight_decay : float
        Weight decay of the parameters with ``decay=True``.

    Raises
    ------
    ValueError
        For a setting out of range, or a model without parameters.
    """

    moments: tuple[
        str, ...
    ] = ()  # names of the flat arrays, as long as all parameters together, that are kept between steps
    decoupled = False  # whether weight decay acts on the parameters themselves, or as part of the gradient

    def __init__(self, model: Layer, *, weight_decay: float = 0.0) -> None:
        self.model = model
        self.weight_decay = _in_range("weight_decay", weight_decay, 0, math.inf)
        self.parameters = distinct(model.parameters())
        if not self.parameters:
            raise ValueError(f"{type(model).__name__} has no parameters, so there is nothing to optimize")
        self.count = 0  # steps taken
        for name in self.moments:
            setattr(self, name, None)

    def direction(self, gradient: Array) -> Array:
        """Return the flat direction of descent for a flat `gradient`, which may be overwritten."""
        raise NotImplementedError(f"{type(self).__name__} has no direction yet")

    def step(self, rate: float) -> None:
        """Move every parameter by ``-rate`` times the direction.

        Parameters
        ----------
        rate : float
            The learning rate of this step.

        Raises
        ------
        RuntimeError
            When a forward pass has had no backward pass: its gradient would be missing.
        """
        leftovers = self.model.leftovers()
        if leftovers:
            raise RuntimeError(
                f"a forward pass in training mode had no backward pass in {', '.join(leftovers)}; "
                "call backward once for each forward, or model.forget() to drop it"
            )
        gradient = self._gather()
        for name in self.moments:
            moment = getattr(self, name)
            if moment is None:
                moment = np.zeros_like(gradient)
            setattr(self, name, to_device_of(moment, gradient).astype(gradient.dtype, copy=False))
        self.count += 1
        direction = self.direction(gradient)
        if self.count % STEPS_TO_NEGLECT == 0:
            for name in self.moments:
                moment = getattr(self, name)
                moment[abs(moment) < NEGLIGIBLE] = 0
        direction *= rate
        start = 0
        for parameter in self.parameters:
            value = parameter.value
            if self.decoupled and parameter.decay and self.weight_decay:
                value *= 1 - rate * self.weight_decay
            value -= direction[start : start + value.size].reshape(value.shape)
            start += value.size

    def _gather(self) -> Array:
        """Return all gradients as one flat array, with coupled weight decay added."""
        gradient = np.concatenate([parameter.grad.ravel() for parameter in self.parameters])
        if self.weight_decay and not self.decoupled:
            start = 0
            for parameter in self.parameters:
                if parameter.decay:
                    part = gradient[start : start + parameter.value.size]
                    part += self.weight_decay * parameter.value.ravel()
                start += parameter.value.size
        return gradient

    def state(self) -> dict[str, Array]:
        """Return what must be saved to continue later: ``{name: array}``, not copied."""
        state = {name: getattr(self, name) for name in self.moments if getattr(self, name) is not None}
        return {"count": np.array(self.count), **state}

    def load_state(self, state: dict[str, Array]) -> None:
        """Copy the arrays of `state`, as :meth:`state` returns them.

        Raises
        ------
        ValueError
            When they belong to another optimizer or another model; nothing is changed then.
        """
        size = sum(parameter.value.size for parameter in self.parameters)
        expected = {"count", *self.moments} if state.get("count", 0) else {"count"}
        if set(state) != expected:
            raise ValueError(
                f"the optimizer's state holds {sorted(state)}, but {type(self).__name__} needs "
                f"{sorted(expected)}; was it saved by another optimizer?"
            )
        for name in expected - {"count"}:
            if state[name].shape != (size,):
                raise ValueError(f"{name}: expected shape {(size,)}, got {state[name].shape}")
        self.count = int(state["count"])
        for name in self.moments:
            setattr(self, name, on_host(state[name]).copy() if name in state else None)


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

    Parameters
    ----------
    model : Layer
    weight_decay : float
        Added to the gradient: ``g + weight_decay * w``.
    momentum : float
        Factor of the previous velocity: ``v = momentum * v + g``; 0 or more, less than 1.
    nesterov : bool
        Nesterov momentum: step along ``g + momentum * v`` instead of ``v``. [1]_

    References
    ----------
    .. [1] Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013.
    """

    moments = ("velocity",)
    velocity: Any

    def __init__(
        self, model: Layer, *, weight_decay: float = 0.0, momentum: float = 0.9, nesterov: bool = False
    ) -> None:
        super().__init__(model, weight_decay=weight_decay)
        self.momentum = _in_range("momentum", momentum, 0, 1)
        self.nesterov = nesterov

    def direction(self, gradient: Array) -> Array:
        """Return the velocity, or with Nesterov momentum the gradient plus `momentum` times the velocity."""
        self.velocity *= self.momentum
        self.velocity += gradient
        if self.nesterov:
            gradient += self.momentum * self.velocity
        else:
            gradient[...] = self.velocity
        return gradient


class Adam(Optimizer):
    """Adam: the running mean of the gradient, divided by the root of its running mean square. [1]_

    Parameters
    ----------
    model : Layer
    weight_decay : float
        Added to the gradient, and so divided by its root mean square; see :class:`AdamW`.
    betas : (float, float)
        Decay of the running mean and of the running mean square.
    eps : float
        Added to the root, so that nothing is divided by zero.

    References
    ----------
    .. [1] Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.
    """

    moments = ("mean", "square")
    mean: Any
    square: Any

    def __init__(
        self,
        model: Layer,
        *,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(model, weight_decay=weight_decay)
        self.betas = tuple(_in_range("betas", beta, 0, 1) for beta in betas)
        self.eps = eps

    def direction(self, gradient: Array) -> Array:
        """Return mean / root mean square, both with bias correction."""
        beta1, beta2 = self.betas
        scratch = gradient - self.mean
        scratch *= 1 - beta1
        self.mean += scratch  # mean = beta1 * mean + (1 - beta1) * gradient
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - beta2
        self.square *= beta2
        self.square += scratch
        root = np.sqrt(self.square, out=scratch)
        root /= math.sqrt(1 - beta2**self.count)
        root += self.eps
        direction = np.divide(self.mean, root, out=gradient)
        direction /= 1 - beta1**self.count
        return direction


class AdamW(Adam):
    """Adam with decoupled weight decay, which acts on the parameters themselves: ``w *= 1 - rate * weight_decay``. [1]_

    Parameters
    ----------
    model : Layer
    weight_decay : float
    betas : (float, float)
    eps : float
        As in :class:`Adam`.

    References
    ----------
    .. [1] Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2.
    """

    decoupled = True

    def __init__(
        self,
        model: Layer,
        *,
        weight_decay: float = 0.01,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(model, weight_decay=weight_decay, betas=betas, eps=eps)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}


def distinct(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Return the parameters without repetition: one that two layers share is listed once."""
    return list({id(parameter): parameter for parameter in parameters}.values())


def gradient_norm(parameters: Iterable[Parameter]) -> float:
    """Return the Euclidean norm of all gradients together, as a float."""
    squares = sum(np.sum(np.square(parameter.grad, dtype=np.float64)) for parameter in distinct(parameters))
    return math.sqrt(float(squares))  # of a sum, so that a GPU is waited for once


def clip_gradients(parameters: Iterable[Parameter], max_norm: float, *, norm: float | None = None) -> float:
    """Scale all gradients by one factor, in place, so that their joint norm is at most `max_norm`.

    Parameters
    ----------
    parameters : sequence of Parameter
    max_norm : float
        Positive.
    norm : float, optional
        Their norm, if it is known.

    Returns
    -------
    float
        The norm before. If it is not finite, nothing is scaled.
    """
    norm = gradient_norm(parameters) if norm is None else norm
    if math.isfinite(norm) and norm > max_norm:
        for parameter in distinct(parameters):
            parameter.grad *= max_norm / (norm + 1e-6)  # 1e-6 as in torch.nn.utils.clip_grad_norm_
    return norm


def _in_range(name, value, low, high):
    if not low <= value < high:
        raise ValueError(f"{name}: expected a number from {low} to less than {high}, got {value!r}")
    return float(value)
