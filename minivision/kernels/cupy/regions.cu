// Regions of interest. Each thread computes one element of the result; names are those of ops/regions.py. A row of rois
// is (index of the image, x1, y1, x2, y2): vertically a region goes from roi[2] to roi[4], horizontally from roi[1] to
// roi[3].

// ---- RoI pooling ----

// First pixel and end of each bin on the map: the pixels `start .. stop`, rounded, are divided into bins.
__device__ void find_bin(int bin, real start, real stop, int bins, int size, int *first, int *end)
{
    int low = (int)round(start), high = (int)round(stop);  // halves away from zero
    real bin_size = (real)max(high - low + 1, 1) / bins;
    *first = min(max(low + (int)floor(bin * bin_size), 0), size);
    *end = min(max(low + (int)ceil((bin + 1) * bin_size), 0), size);
}

extern "C" __global__ void roi_pool(
    int count, const real *x, const real *rois, real *y, int *argmax,
    int C, int H, int W, int rows, int cols, real spatial_scale)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % cols, i = element / cols % rows, c = element / cols / rows % C;
    const real *roi = rois + 5 * (element / cols / rows / C);
    const real *plane = x + ((int)roi[0] * C + c) * H * W;

    int first_row, end_row, first_col, end_col;
    find_bin(i, roi[2] * spatial_scale, roi[4] * spatial_scale, rows, H, &first_row, &end_row);
    find_bin(j, roi[1] * spatial_scale, roi[3] * spatial_scale, cols, W, &first_col, &end_col);
    real best = 0;
    int index = -1;
    for (int row = first_row; row < end_row; row++)
        for (int col = first_col; col < end_col; col++) {
            real value = plane[row * W + col];
            if (index < 0 || value > best || value != value) {  // only NaN is unequal to itself
                best = value;
                index = row * W + col;
            }
        }
    y[element] = best;
    argmax[element] = index;
}

// ---- backward passes ----
//
// The reference implementation goes through the bins of each region and adds to the pixels that they read. Here each
// thread computes one pixel and adds up its gradient from every region of its image: no two threads add to the same
// sum, and the order is always the same. The regions of image n are order[start[n]] .. order[start[n + 1] - 1],
// ascending. To skip most of them quickly, tables contain which bins of region k read row (column) number `pixel`:
// those from first_bin[k, pixel] to last_bin[k, pixel].

extern "C" __global__ void bins_of_maxima(
    int count, const int *argmax, int *first_row_bin, int *last_row_bin, int *first_col_bin, int *last_col_bin,
    int C, int H, int W, int rows, int cols)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count || argmax[element] < 0) return;
    int j = element % cols, i = element / cols % rows, k = element / cols / rows / C;
    int row = k * H + argmax[element] / W, col = k * W + argmax[element] % W;
    // Compare before the atomic operation: only the first few channels change anything.
    if (i < first_row_bin[row]) atomicMin(&first_row_bin[row], i);
    if (i > last_row_bin[row]) atomicMax(&last_row_bin[row], i);
    if (j < first_col_bin[col]) atomicMin(&first_col_bin[col], j);
    if (j > last_col_bin[col]) atomicMax(&last_col_bin[col], j);
}

extern "C" __global__ void roi_pool_backward(
    int count, const real *dy, const int *order, const int *start, const int *argmax,
    const int *first_row_bin, const int *last_row_bin, const int *first_col_bin, const int *last_col_bin,
    real *dx, int C, int H, int W, int rows, int cols)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int col = element % W, row = element / W % H, c = element / W / H % C, n = element / W / H / C;
    real sum = 0;
    for (int at = start[n]; at < start[n + 1]; at++) {
        int k = order[at];
        for (int i = first_row_bin[k * H + row]; i <= last_row_bin[k * H + row]; i++)
            for (int j = first_col_bin[k * W + col]; j <= last_col_bin[k * W + col]; j++) {
                int bin = ((k * C + c) * rows + i) * cols + j;
                if (argmax[bin] == row * W + col) sum += dy[bin];
            }
    }
    dx[element] = sum;
}

// For RoIAlign and R-CNN's warp: the weight of a pixel in a bilinear interpolation is a weight along the rows times one
// along the columns, also in the mean over a grid of samples. The weight of a row in bin i is row_weight[k, row, i],
// also for columns.
extern "C" __global__ void add_weighted(
    int count, const real *dy, const int *order, const int *start,
    const real *row_weight, const int *first_row_bin, const int *last_row_bin,
    const real *col_weight, const int *first_col_bin, const int *last_col_bin,
    real *dx, int C, int H, int W, int rows, int cols)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int col = element % W, row = element / W % H, c = element / W / H % C, n = element / W / H / C;
    real sum = 0;
    for (int at = start[n]; at < start[n + 1]; at++) {
        int k = order[at];
        for (int i = first_row_bin[k * H + row]; i <= last_row_bin[k * H + row]; i++)
            for (int j = first_col_bin[k * W + col]; j <= last_col_bin[k * W + col]; j++)
                sum += row_weight[(k * H + row) * rows + i] * col_weight[(k * W + col) * cols + j]
                       * dy[((k * C + c) * rows + i) * cols + j];
    }
    dx[element] = sum;
}

// ---- RoIAlign ----

// The bins of a region along an axis: sample s of bin b is at start + b * bin_size + (s + 1/2) * bin_size / samples.
struct Axis {
    real start, bin_size;
    int samples;  // in a bin; 0 or less in an inverted region
};

__device__ Axis align_axis(real start, real stop, int bins, int sampling_ratio, int aligned)
{
    real length = aligned ? stop - start : max(stop - start, (real)1);
    real bin_size = length / bins;
    return {start, bin_size, sampling_ratio > 0 ? sampling_ratio : (int)ceil(bin_size)};
}

// The two pixels next to a sample, and the weight of the second. Up to one pixel outside the map the border pixels are
// repeated; further outside there is nothing, and the result is false.
__device__ bool align_neighbors(Axis axis, int b, int s, int size, int *lower, int *upper, real *weight)
{
    real position = axis.start + b * axis.bin_size + (s + (real)0.5) * axis.bin_size / axis.samples;
    if (position < -1 || position > size) return false;
    position = min(max(position, (real)0), (real)(size - 1));
    *lower = (int)floor(position);
    *upper = min(*lower + 1, size - 1);
    *weight = position - *lower;
    return true;
}

extern "C" __global__ void roi_align(
    int count, const real *x, const real *rois, real *y,
    int C, int H, int W, int rows, int cols, real spatial_scale, int sampling_ratio, int aligned)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % cols, i = element / cols % rows, c = element / cols / rows % C;
    const real *roi = rois + 5 * (element / cols / rows / C);
    const real *plane = x + ((int)roi[0] * C + c) * H * W;

    real offset = aligned ? (real)0.5 : 0;
    Axis vertical = align_axis(
        roi[2] * spatial_scale - offset, roi[4] * spatial_scale - offset, rows, sampling_ratio, aligned);
    Axis horizontal = align_axis(
        roi[1] * spatial_scale - offset, roi[3] * spatial_scale - offset, cols, sampling_ratio, aligned);
    real sum = 0;
    for (int sy = 0; sy < vertical.samples; sy++) {
        int above, below;
        real down;
        if (!align_neighbors(vertical, i, sy, H, &above, &below, &down)) continue;
        for (int sx = 0; sx < horizontal.samples; sx++) {
            int left, right;
            real across;
            if (!align_neighbors(horizontal, j, sx, W, &left, &right, &across)) continue;
            real upper = plane[above * W + left] * (1 - across) + plane[above * W + right] * across;
            real lower = plane[below * W + left] * (1 - across) + plane[below * W + right] * across;
            sum += (upper * (1 - down) + lower * down) / vertical.samples / horizontal.samples;
        }
    }
    y[element] = sum;
}

// The tables of an axis, one thread for each pixel of each region. `corner` is 2 vertically, 1 horizontally.
extern "C" __global__ void align_weights(
    int count, const real *rois, real *weights, int *first_bin, int *last_bin,
    int corner, int size, int bins, real spatial_scale, int sampling_ratio, int aligned)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int pixel = element % size;
    const real *roi = rois + 5 * (element / size);

    real offset = aligned ? (real)0.5 : 0;
    Axis axis = align_axis(
        roi[corner] * spatial_scale - offset, roi[corner + 2] * spatial_scale - offset, bins, sampling_ratio, aligned);
    first_bin[element] = bins;
    last_bin[element] = -1;
    for (int b = 0; b < bins; b++) {
        real sum = 0;
        for (int s = 0; s < axis.samples; s++) {
            int lower, upper;
            real weight;
            if (!align_neighbors(axis, b, s, size, &lower, &upper, &weight)) continue;
            if (lower == pixel) sum += (1 - weight) / axis.samples;
            if (upper == pixel) sum += weight / axis.samples;
        }
        weights[element * bins + b] = sum;
        if (sum != 0) {
            first_bin[element] = min(first_bin[element], b);
            last_bin[element] = b;
        }
    }
}

// ---- R-CNN's warp ----

// Position of output pixel b along an axis, in pixels from the center of the first; outside the outermost pixel centers
// of the crop, their values are repeated.
__device__ real crop_position(int b, real start, real stop, int bins)
{
    real center = start + (b + (real)0.5) * ((stop - start) / bins);
    real first = start + (real)0.5, last = stop - (real)0.5;
    if (first > last) first = last = (start + stop) * (real)0.5;
    return min(max(center, first), last) - (real)0.5;
}

extern "C" __global__ void crop_and_resize(
    int count, const real *x, const real *rois, real *y,
    int C, int H, int W, int rows, int cols, real spatial_scale)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % cols, i = element / cols % rows, c = element / cols / rows % C;
    const real *roi = rois + 5 * (element / cols / rows / C);
    const real *plane = x + ((int)roi[0] * C + c) * H * W;

    real down = crop_position(i, roi[2] * spatial_scale, roi[4] * spatial_scale, rows);
    real across = crop_position(j, roi[1] * spatial_scale, roi[3] * spatial_scale, cols);
    int above = (int)floor(down), left = (int)floor(across);
    down -= above;
    across -= left;
    real sum = 0;
    for (int row = max(above, 0); row <= min(above + 1, H - 1); row++)
        for (int col = max(left, 0); col <= min(left + 1, W - 1); col++)
            sum += (row == above ? 1 - down : down) * (col == left ? 1 - across : across) * plane[row * W + col];
    y[element] = sum;
}

extern "C" __global__ void crop_weights(
    int count, const real *rois, real *weights, int *first_bin, int *last_bin,
    int corner, int size, int bins, real spatial_scale)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int pixel = element % size;
    const real *roi = rois + 5 * (element / size);

    first_bin[element] = bins;
    last_bin[element] = -1;
    for (int b = 0; b < bins; b++) {
        real position = crop_position(b, roi[corner] * spatial_scale, roi[corner + 2] * spatial_scale, bins);
        int lower = (int)floor(position);
        real weight = position - lower;
        real sum = lower == pixel ? 1 - weight : lower + 1 == pixel ? weight : 0;
        weights[element * bins + b] = sum;
        if (sum != 0) {
            first_bin[element] = min(first_bin[element], b);
            last_bin[element] = b;
        }
    }
}
