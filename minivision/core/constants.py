"""Constants that the reference of an operation and its kernels share."""

import math

# The largest tw and th that decode_boxes applies: a box of 16 pixels may become one of 1000, not one of exp(100).
# From the reference implementation of Faster R-CNN (Detectron, BBOX_XFORM_CLIP); no paper names it.
LARGEST_LOG_SCALE = math.log(1000 / 16)

# Selective search (Uijlings et al. 2013, section 3.2).
SIMILARITIES = "CTSF"  # color, texture, size, fill
COLOR_BINS = 25  # of the histogram of each channel
TEXTURE_BINS = 10  # of the histogram of each orientation of each channel
