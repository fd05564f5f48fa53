"""What every layer is: parameters, a way forward, a way back, and a memory between the two."""

import numpy as np

from minivision.core.devices import is_on_gpu, on_host, require_gpu, to_device_of


class Parameter:
    """An array that training changes, and the gradient of the loss with respect to it.

    Parameters
    ----------
    value : ndarray
        The parameter, float32 or float64.
    decay : bool
        Whether weight decay pulls it towards zero: yes for weights, by custom not for biases, gamma and beta.

    Attributes
    ----------
    grad : ndarray
        Of the shape of `value`. ``backward`` *adds* to it, so that a parameter used twice gets both gradients.
    name : str
        Where it stands in the model, as in ``"encoder.0.conv.w"``; filled in by :meth:`Layer.parameters`.
    """

    def __init__(self, value, *, decay=True):
        self.value = value
        self.grad = np.zeros_like(value)
        self.decay = decay
        self.name = ""

    def __repr__(self):
        return f"Parameter({self.name or '?'}, shape={self.value.shape}, dtype={self.value.dtype})"


class Layer:
    """Something with a forward and a backward pass.

    A layer remembers what its backward pass needs by :meth:`remember` when ``training`` is true, and takes it back
    by :meth:`recall`, last in first out. So a layer that is used k times (a head on k maps) is walked back k times
    in reverse. In inference nothing is remembered.

    Its parameters are the :class:`Parameter` objects among its attributes; its parts are the layers among them,
    alone or in lists; names follow the attributes. Arrays that are kept but not trained (running means) are named
    in ``buffers``.
    """

    buffers = ()  # names of attributes that hold arrays which belong to the state but get no gradient

    def forward(self, x, training=False):
        """Return the output for the input `x`; remember what :meth:`backward` needs if `training`."""
        raise NotImplementedError(f"{type(self).__name__} has no forward pass yet")

    def backward(self, dy):
        """Return the gradient for the input from `dy`, that for the output; add to the parameters' gradients."""
        raise NotImplementedError(f"{type(self).__name__} has no backward pass yet")

    def __call__(self, x, training=False):
        return self.forward(x, training=training)

    # ---- memory between forward and backward -------------------------------------------------------------------

    def remember(self, *what):
        """Push what the matching :meth:`backward` will need."""
        self.__dict__.setdefault("_memory", []).append(what)

    def recall(self):
        """Pop what the latest forward pass in training mode remembered.

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

    def leftovers(self, prefix=""):
        """Return the names of the layers that remember a forward pass no backward pass has taken back."""
        names = [prefix.rstrip(".") or type(self).__name__] if self.__dict__.get("_memory") else []
        for name, part in self.parts():
            names += part.leftovers(f"{prefix}{name}.")
        return names

    def forget(self):
        """Drop everything remembered, here and in all parts."""
        self.__dict__.pop("_memory", None)
        for _, part in self.parts():
            part.forget()

    # ---- parameters and state ----------------------------------------------------------------------------------

    def parts(self):
        """Return ``(name, layer)`` for each layer among the attributes, in the order they were set."""
        found = []
        for name, value in vars(self).items():
            if isinstance(value, Layer):
                found.append((name, value))
            elif isinstance(value, (list, tuple)) and name != "_memory":
                found += [(f"{name}.{i}", part) for i, part in enumerate(value) if isinstance(part, Layer)]
        return found

    def parameters(self, prefix=""):
        """Return all parameters, own ones first, each with its ``name`` filled in."""
        found = []
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                value.name = prefix + name
                found.append(value)
        for name, part in self.parts():
            found += part.parameters(f"{prefix}{name}.")
        return found

    @property
    def dtype(self):
        """The dtype of the first parameter found, which all of them share."""
        parameter = self.first_parameter()
        return None if parameter is None else parameter.value.dtype

    def first_parameter(self):
        """Return the first parameter found, or None; all of them share its dtype, and lie where it lies."""
        for value in vars(self).values():
            if isinstance(value, Parameter):
                return value
        return next(filter(None, (part.first_parameter() for _, part in self.parts())), None)

    @property
    def device(self):
        """Where the first parameter lies, and all others with it: ``"cupy"`` or ``"numpy"``, as :meth:`to` takes it."""
        parameter = self.first_parameter()
        return "cupy" if parameter is not None and is_on_gpu(parameter.value) else "numpy"

    def state(self, prefix=""):
        """Return everything that makes this layer what it is: parameters and running arrays by name, not copied."""
        state = {prefix + name: value.value for name, value in vars(self).items() if isinstance(value, Parameter)}
        state.update({prefix + name: getattr(self, name) for name in self.buffers})
        for name, part in self.parts():
            state.update(part.state(f"{prefix}{name}."))
        return state

    def load_state(self, state):
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

    def zero_gradients(self):
        """Set every gradient to zero, before the first backward pass of a step."""
        for parameter in self.parameters():
            parameter.grad[...] = 0

    def _convert(self, function):
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                value.value, value.grad = function(value.value), function(value.grad)
            elif name in self.buffers:
                setattr(self, name, function(value))
        for _, part in self.parts():
            part._convert(function)
        return self

    def astype(self, dtype):
        """Convert all parameters and running arrays to `dtype` (float64 for gradient checks); return self."""
        return self._convert(lambda array: array.astype(dtype))

    def to(self, device):
        """Move all parameters and running arrays to ``"cupy"`` (the GPU) or ``"numpy"`` (the host); return self.

        Of several GPUs the current one is meant; inside of ``with cupy.cuda.Device(1):`` move there, train and predict.
        An optimizer follows at its next step, with what it remembers.

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


class Sequential(Layer):
    """Layers one after the other: forward in order, backward in reverse.

    Parameters
    ----------
    *layers : Layer
    """

    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x, training=False):
        """Return ``layers[-1](... layers[0](x))``."""
        for layer in self.layers:
            x = layer.forward(x, training=training)
        return x

    def backward(self, dy):
        """Return the gradient for the input of the first layer."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy
