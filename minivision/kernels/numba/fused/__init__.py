"""What prediction asks for beyond the operations: several of them at once.

No function here has a meaning of its own. Each says which operations it stands for; where it does not exist (another
backend, nothing compiled, somebody observes the operations) these run one by one. It is called by
:func:`minivision.core.dispatch.fused_kernel`:

- ``convolution``: convolution, normalization, max pooling, sum and ReLU, for ``layers/fusing.py``;
- ``images``: what ``Model.normalize`` does;
- ``detections``: what ``detection.select_detections`` does.
"""
