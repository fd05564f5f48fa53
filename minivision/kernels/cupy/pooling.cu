// Pooling and max unpooling. Each thread computes one element of the result; names are those of ops/pooling.py.
// `real` is float or double. A plane is one channel of one image.

// ---- max pooling ----

extern "C" __global__ void max_pool2d(
    int count, const real *x, real *y, long long *indices,
    int H, int W, int H_out, int W_out, int kh, int kw, int sh, int sw, int top, int left)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % W_out, i = element / W_out % H_out;
    const real *plane = x + (element / W_out / H_out) * H * W;

    int first_row = i * sh - top, first_col = j * sw - left;
    real best = 0;
    int index = -1;
    for (int row = max(first_row, 0); row < min(first_row + kh, H); row++)
        for (int col = max(first_col, 0); col < min(first_col + kw, W); col++) {
            real value = plane[row * W + col];
            if (index < 0 || value > best || value != value) {  // only NaN is unequal to itself
                best = value;
                index = row * W + col;
            }
        }
    y[element] = best;
    indices[element] = index;
}

// ---- values at their indices: max unpooling, and the backward pass of max pooling ----
//
// The reference implementation goes through the values and adds each at its index. Here each thread computes one
// element of the result and searches for its values, so that the order of the sum is always the same. Only a few are
// compared: `reach` finds the first and the last row (column) of values that belong to a row (column) of the result.

extern "C" __global__ void reach(
    int count, const long long *indices, int *first_i, int *last_i, int *first_j, int *last_j,
    int W, int H_in, int W_in)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % W_in, i = element / W_in % H_in;
    int row = (int)indices[element] / W, col = (int)indices[element] % W;
    // Compare before the atomic operation: only the first few planes change anything.
    if (i < first_i[row]) atomicMin(&first_i[row], i);
    if (i > last_i[row]) atomicMax(&last_i[row], i);
    if (j < first_j[col]) atomicMin(&first_j[col], j);
    if (j > last_j[col]) atomicMax(&last_j[col], j);
}

extern "C" __global__ void add_at_indices(
    int count, const real *values, const long long *indices,
    const int *first_i, const int *last_i, const int *first_j, const int *last_j, real *y,
    int H, int W, int H_in, int W_in)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int col = element % W, row = element / W % H;
    int plane = (element / W / H) * H_in * W_in;

    real sum = 0;
    for (int i = first_i[row]; i <= last_i[row]; i++)
        for (int j = first_j[col]; j <= last_j[col]; j++)
            if (indices[plane + i * W_in + j] == row * W + col)
                sum += values[plane + i * W_in + j];
    y[element] = sum;
}

extern "C" __global__ void max_unpool2d_backward(
    int count, const real *dy, const long long *indices, real *dx, int plane_size, int in_plane_size)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int plane = element / in_plane_size;
    dx[element] = dy[plane * plane_size + (int)indices[element]];
}

// ---- average pooling ----

extern "C" __global__ void avg_pool2d(
    int count, const real *x, real *y,
    int H, int W, int H_out, int W_out, int kh, int kw, int sh, int sw, int top, int left)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % W_out, i = element / W_out % H_out;
    const real *plane = x + (element / W_out / H_out) * H * W;

    int first_row = i * sh - top, first_col = j * sw - left;
    real sum = 0;
    for (int row = max(first_row, 0); row < min(first_row + kh, H); row++)
        for (int col = max(first_col, 0); col < min(first_col + kw, W); col++)
            sum += plane[row * W + col];
    y[element] = sum / (kh * kw);
}

// Each pixel adds up the gradients of its windows: those i with i * sh - top <= row < i * sh - top + kh.
extern "C" __global__ void avg_pool2d_backward(
    int count, const real *dy, real *dx,
    int H, int W, int H_out, int W_out, int kh, int kw, int sh, int sw, int top, int left)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int col = element % W, row = element / W % H;
    const real *plane = dy + (element / W / H) * H_out * W_out;

    int first_i = max(row + top - kh + sh, 0) / sh, first_j = max(col + left - kw + sw, 0) / sw;
    real sum = 0;
    for (int i = first_i; i < H_out && i * sh - top <= row; i++)
        for (int j = first_j; j < W_out && j * sw - left <= col; j++)
            sum += plane[i * W_out + j] / (kh * kw);
    dx[element] = sum;
}
