"""What several kernel modules are built from. No operation is defined here.

Read for the convolutions, in this order:

1. ``vectors``, ``register_tile`` and ``vector_moves``: the innermost loops, as LLVM vector instructions; their sums
   stay in registers.
2. ``scratch``: copies the padded input of a block of output rows into a buffer that fits the cache, and plans where in
   it the pixel of each filter tap is.
3. ``direct``: the three passes of a convolution (correlation, its transpose, gradient of the filters) from 1 and 2.
4. ``packing`` and ``matrix_product``: the product of two matrices from 1, for ``linear``.
5. ``one_by_one``: correlations with filters of 1 x 1, from 4.
6. ``winograd_tiles``, ``winograd`` and ``winograd_gradient``: 3 x 3 filters of stride 1 with a quarter of the
   multiplications, from 1 and 4.
7. ``finishing`` and ``pooled``: what prediction does with a block of outputs before it leaves the cache, for 3 and 6.

The others are independent of each other:

- ``workspace``: memory that is kept from call to call.
- ``sums``: sums that use vector instructions and still give the same bits in every process.
- ``exponential``: exp, log and log1p that the compiler can vectorize.
- ``pairwise_boxes``: IoU of one box with many boxes.
- ``radix_sort``: a stable sort of numbers by their bits.
- ``many_boxes``: non-maximum suppression of thousands of boxes.
- ``channel_blocks``: maps stored with the channels of a pixel next to each other, for RoI pooling and RoIAlign.
"""
