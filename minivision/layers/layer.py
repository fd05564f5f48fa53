"""What every layer is: parameters, a forward pass, a backward pass, and the activations kept between the two."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minivision.core.devices import is_on_gpu, on_host, require_gpu, to_device_of
from minivision.core.types import Array

if TYPE_CHECKING:
    from minivision.layers.summary import Summary


class Parameter:
    """An array that training changes, and the gradient of the loss with respect to it.

    Parameters
    ----------
    value : ndarray
        The parameter, float32 or float64.
    decay : bool
        Whether weight decay applies to it: to weights it does, to biases, gamma and beta by custom not.

    Attributes
    ----------
    grad : ndarray
        Gradient, in the shape of `value`. ``backward`` *adds* to it, so a parameter that is used twice gets the sum of
        both gradients.
    name : str
        Where it stands in the model, as in ``"encoder.0.conv.w"``; filled in by :meth:`Layer.parameters`.
    """

    def __init__(self, value: Array, *, decay: bool = True) -> None:
        self.value = value
        self.grad = np.zeros_like(value)
        self.decay = decay
        self.name = ""

    def __repr__(self) -> str:
        return f"Parameter({self.name or '?'}, shape={self.value.shape}, dtype={self.value.dtype})"


class Layer:
    """Something with a forward and a backward pass.

    When ``training`` is true, ``forward`` keeps what the backward pass needs (:meth:`remember`), and ``backward`` takes
    it back (:meth:`recall`), last in first out. So a layer that is used k times (a head on k maps) is backpropagated k
    times in reverse order. In inference nothing is kept.

    Its parameters are the :class:`Parameter` objects among its attributes; its parts are the layers among them, alone
    or in lists. Names follow the attributes. Arrays that belong to the state but are not trained (running means) are
    named in ``buffers``.
    """

    buffers: tuple[str, ...] = ()  # names of attributes that hold arrays which belong to the state but get no gradient

    def forward(self, x: Any, training: bool = False) -> Any:
        """Return the output for the input `x`; keep what :meth:`backward` needs if `training`."""
        raise NotImplementedError(f"{type(self).__name__} has no forward pass yet")

    def backward(self, dy: Any) -> Any:
        """Return the gradient of the input, given `dy`, that of the output; add to the parameters' gradients."""
        raise NotImplementedError(f"{type(self).__name__} has no backward pass yet")

    def __call__(self, x: Any, training: bool = False) -> Any:
        return self.forward(x, training=training)

    # ---- memory between forward and backward -------------------------------------------------------------------

    def remember(self, *what: Any) -> None:
        """Push what the matching :meth:`backward` will need."""
        self.__dict__.setdefault("_memory", []).append(what)

    def recall(self) -> tuple:
        """Pop what the latest forward pass in training mode kept.

        Raises
        ------
        RuntimeError
            When there is nothing: backward without a forward, or once too often.
        """
        memory = self.__dict__.get("_memory")
        if not memory:
            raise RuntimeError(
                f"{type(self).__name__}.backward: nothing is remembered; call forward(x, training=True) first, "
                "once for each backward"
            )
        return memory.pop()

    def remembered(self) -> list[tuple]:
        """Return what forward passes kept that no backward pass has taken back, the latest last."""
        return self.__dict__.get("_memory", [])

    def leftovers(self, prefix: str = "") -> list[str]:
        """Return the names of the layers that keep a forward pass no backward pass has taken back."""
        names = [prefix.rstrip(".") or type(self).__name__] if self.remembered() else []
        for name, part in self.parts():
            names += part.leftovers(f"{prefix}{name}.")
        return names

    def forget(self) -> None:
        """Drop everything kept for backward passes, here and in all parts."""
        self.__dict__.pop("_memory", None)
        for _, part in self.parts():
            part.forget()

    # ---- parameters and state ----------------------------------------------------------------------------------

    def parts(self) -> list[tuple[str, Layer]]:
        """Return ``(name, layer)`` for each layer among the attributes, in the order they were set."""
        parts = []
        for name, value in vars(self).items():
            if isinstance(value, Layer):
                parts.append((name, value))
            elif isinstance(value, (list, tuple)) and name != "_memory":
                parts += [(f"{name}.{i}", part) for i, part in enumerate(value) if isinstance(part, Layer)]
        return parts

    def own_parameters(self) -> dict[str, Parameter]:
        """Return the parameters of this layer itself, without those of its parts, by the names of its attributes."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Parameter)}

    def parameters(self, prefix: str = "") -> list[Parameter]:
        """Return all parameters, own ones first, each with its ``name`` filled in."""
        parameters = []
        for name, parameter in self.own_parameters().items():
            parameter.name = prefix + name
            parameters.append(parameter)
        for name, part in self.parts():
            parameters += part.parameters(f"{prefix}{name}.")
        return parameters

    @property
    def dtype(self) -> np.dtype | None:
        """The dtype of all parameters; None where there are none."""
        parameter = self.first_parameter()
        return None if parameter is None else parameter.value.dtype

    def first_parameter(self) -> Parameter | None:
        """Return the first parameter, or None. All parameters have its dtype and are on its device."""
        for value in vars(self).values():
            if isinstance(value, Parameter):
                return value
        return next(filter(None, (part.first_parameter() for _, part in self.parts())), None)

    @property
    def device(self) -> str:
        """Where all parameters are: ``"cupy"`` or ``"numpy"``, as :meth:`to` takes it."""
        parameter = self.first_parameter()
        return "cupy" if parameter is not None and is_on_gpu(parameter.value) else "numpy"

    def state(self, prefix: str = "") -> dict[str, Array]:
        """Return all parameters and running arrays by name, not copied."""
        state = {prefix + name: parameter.value for name, parameter in self.own_parameters().items()}
        state.update({prefix + name: getattr(self, name) for name in self.buffers})
        for name, part in self.parts():
            state.update(part.state(f"{prefix}{name}."))
        return state

    def load_state(self, state: dict[str, Array]) -> None:
        """Copy the arrays of `state` (as :meth:`state` returns them) into this layer.

        Raises
        ------
        ValueError
            When a name is missing, unknown, or has another shape; nothing is changed then.
        """
        own = self.state()
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or unknown:
            raise ValueError(
                f"the state does not fit this {type(self).__name__}: missing {missing[:5]}, unknown {unknown[:5]}; "
                "was it saved by a model with other options?"
            )
        for name, array in own.items():
            if array.shape != state[name].shape:
                raise ValueError(f"{name}: expected shape {array.shape}, got {state[name].shape}")
        for name, array in own.items():
            array[...] = to_device_of(state[name], array)

    def zero_gradients(self) -> None:
        """Set every gradient to zero, before the first backward pass of a step."""
        for parameter in self.parameters():
            parameter.grad[...] = 0

    def _convert(self, function: Callable[[Array], Array]) -> Self:
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                value.value, value.grad = function(value.value), function(value.grad)
            elif name in self.buffers:
                setattr(self, name, function(value))
        for _, part in self.parts():
            part._convert(function)
        return self

    def astype(self, dtype: Any) -> Self:
        """Convert all parameters and running arrays to `dtype` (float64 for gradient checks); return self."""
        return self._convert(lambda array: array.astype(dtype))

    def to(self, device: str) -> Self:
        """Move all parameters and running arrays to ``"cupy"`` (the GPU) or ``"numpy"`` (the host); return self.

        With several GPUs, the current one is taken: move, train and predict inside ``with cupy.cuda.Device(1):``. An
        optimizer follows at its next step, with its moments.

        Raises
        ------
        ValueError
            When there is no such device, CuPy is not installed, or it finds no GPU.
        """
        if device == "cupy":
            return self._convert(require_gpu().asarray)
        if device == "numpy":
            return self._convert(on_host)
        raise ValueError(f"device: expected 'cupy' or 'numpy', got {device!r}")

    # ---- printed -----------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Return the settings of this layer for its line in :meth:`__repr__`, such as ``"stride=2"``."""
        return ""

    def __repr__(self) -> str:
        """Return a tree of the layers, each with the shapes of its parameters; on the right, how many these are."""
        lines = _tree("", self)
        width = max(len(text) for text, _ in lines)
        digits = max(len(f"{count:,}") for _, count in lines)
        counts = [f"{count:,}" if count else "" for _, count in lines]
        return "\n".join(
            f"{text:<{width}}  {count:>{digits}}".rstrip() for (text, _), count in zip(lines, counts, strict=True)
        )

    def summary(self, input_shape: tuple[int, ...]) -> Summary:
        """Return a table of the layers for an input of a shape, ready to print.

        Parameters
        ----------
        input_shape : tuple of int
            With the batch axis, such as ``(1, 3, 128, 128)``.

        Returns
        -------
        Summary
            For each layer the output shape, the parameters, the multiply-adds of the forward pass, and the bytes of
            activations that are kept for the backward pass. This layer itself does not change.
        """
        from minivision.layers.summary import summarize

        trial = copy.deepcopy(self)
        x = np.zeros(input_shape, self.dtype or np.float32)
        return summarize(trial, lambda: trial.forward(x, training=True))


def _tree(name: str, layer: Layer) -> list[tuple[str, int]]:
    """Return ``(text, number of parameters with those of the parts)`` for the lines of a layer and its parts."""
    own = layer.own_parameters()
    shapes = ", ".join(f"{key} {parameter.value.shape}" for key, parameter in own.items())
    settings = layer.extra_repr()
    text = f"{name}{type(layer).__name__}{f'({settings})' if settings else ''}{f'  {shapes}' if shapes else ''}"
    lines, count = [], sum(parameter.value.size for parameter in own.values())
    parts = layer.parts()
    for k, (part_name, part) in enumerate(parts):
        last = k == len(parts) - 1
        (head, size), *rest = _tree(f"{part_name}: ", part)
        lines.append((("└── " if last else "├── ") + head, size))
        lines += [(("    " if last else "│   ") + line, number) for line, number in rest]
        count += size
    return [(text, count), *lines]


class Sequential(Layer):
    """Layers one after the other: forward in order, backward in reverse.

    In prediction several may run at once, see :mod:`minivision.layers.fusing`.

    Parameters
    ----------
    *layers : Layer
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers = list(layers)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return ``layers[-1](... layers[0](x))``."""
        if not training:
            from minivision.layers.fusing import predict_through

            return predict_through(self.layers, x)
        for layer in self.layers:
            x = layer.forward(x, training=training)
        return x

    def backward(self, dy: Array) -> Array:
        """Return the gradient of the input of the first layer."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy
