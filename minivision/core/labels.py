"""Special values in arrays of labels, targets and matches."""

IGNORE = 255  # in a label map: a pixel of unknown class; it is used neither in training nor in evaluation
IGNORE_INDEX = -100  # among the targets of a cross-entropy: this element is ignored (as in PyTorch)

# In the matches of boxes with objects; other values are indices of objects.
BACKGROUND = -1  # no object has a large enough IoU with the box
IGNORED = -2  # the box is neither a clear object nor clear background; it is not used in training
