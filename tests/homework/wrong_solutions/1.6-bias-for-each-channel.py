"""The bias is added once for each channel: it stands in the loop over the channels.

Told: once for every channel
"""

import numpy as np

from minivision.core.geometry import conv_output_size
from minivision.ops.convolution import pad


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    F, C, kh, kw = w.shape
    out = conv_output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    padded = pad(x, padding)
    y = np.zeros((len(x), F, *out), x.dtype)
    for f in range(F):
        first = f // (F // groups) * C
        for c in range(C):
            for r in range(kh):
                for s in range(kw):
                    top, left = r * dilation[0], s * dilation[1]
                    rows = slice(top, top + out[0] * stride[0], stride[0])
                    columns = slice(left, left + out[1] * stride[1], stride[1])
                    y[:, f] += w[f, c, r, s] * padded[:, first + c, rows, columns][:, : out[0], : out[1]]
            if b is not None:
                y[:, f] += b[f]
    return y
