"""Values with a meaning of their own in arrays of labels, targets and matches."""

IGNORE = 255  # in a label map: the class of the pixel is not known; it is neither trained on nor counted
IGNORE_INDEX = -100  # among the targets of a cross-entropy: the element does not count (as in PyTorch)

# In the matches of boxes with objects, where other values are indices of objects.
BACKGROUND = -1  # the box overlaps no object enough
IGNORED = -2  # the box is neither clearly an object nor clearly background; it is not trained on
