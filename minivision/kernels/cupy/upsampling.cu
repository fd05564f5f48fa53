// Upsampling by fixed rules. Each thread computes one element of the result; names are those of ops/upsampling.py.

extern "C" __global__ void bed_of_nails(int count, const real *x, real *y, int H, int W, int sh, int sw)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % (W * sw), i = element / (W * sw) % (H * sh), plane = element / (W * sw) / (H * sh);
    bool nail = i % sh == 0 && j % sw == 0;
    y[element] = nail ? x[(plane * H + i / sh) * W + j / sw] : 0;
}

extern "C" __global__ void bed_of_nails_backward(int count, const real *dy, real *dx, int H, int W, int sh, int sw)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % W, i = element / W % H, plane = element / W / H;
    dx[element] = dy[(plane * H * sh + i * sh) * W * sw + j * sw];
}

extern "C" __global__ void upsample_nearest(int count, const real *x, real *y, int H, int W, int sh, int sw)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % (W * sw), i = element / (W * sw) % (H * sh), plane = element / (W * sw) / (H * sh);
    y[element] = x[(plane * H + i / sh) * W + j / sw];
}

extern "C" __global__ void upsample_nearest_backward(int count, const real *dy, real *dx, int H, int W, int sh, int sw)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int col = element % W, row = element / W % H, plane = element / W / H;
    real sum = 0;
    for (int i = row * sh; i < (row + 1) * sh; i++)
        for (int j = col * sw; j < (col + 1) * sw; j++)
            sum += dy[(plane * H * sh + i) * W * sw + j];
    dx[element] = sum;
}

// The two input pixels next to output pixel i, and the weight of the second. The center of output pixel i is at
// (i + 1/2) / scale - 1/2 in the input; with integers, (2 i + 1 - scale) / (2 scale).
__device__ real neighbors(int i, int scale, int size, int *lower, int *upper)
{
    int position = max(2 * i + 1 - scale, 0);
    *lower = position / (2 * scale);
    *upper = min(*lower + 1, size - 1);
    return (real)(position % (2 * scale)) / (2 * scale);
}

extern "C" __global__ void upsample_bilinear(int count, const real *x, real *y, int H, int W, int sh, int sw)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % (W * sw), i = element / (W * sw) % (H * sh);
    const real *plane = x + (element / (W * sw) / (H * sh)) * H * W;

    int above, below, left, right;
    real down = neighbors(i, sh, H, &above, &below), across = neighbors(j, sw, W, &left, &right);
    real upper = plane[above * W + left] * (1 - across) + plane[above * W + right] * across;
    real lower = plane[below * W + left] * (1 - across) + plane[below * W + right] * across;
    y[element] = upper * (1 - down) + lower * down;
}

// Weight of input pixel `pixel` in output pixel i: as its first neighbor, its second, or both at the border.
__device__ real weight_of(int pixel, int i, int scale, int size)
{
    int lower, upper;
    real weight = neighbors(i, scale, size, &lower, &upper);
    return (lower == pixel ? 1 - weight : 0) + (upper == pixel ? weight : 0);
}

// Each input pixel adds up the gradients of the output pixels less than one input pixel away.
extern "C" __global__ void upsample_bilinear_backward(int count, const real *dy, real *dx, int H, int W, int sh, int sw)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int col = element % W, row = element / W % H, plane = element / W / H;
    real sum = 0;
    for (int i = max(row - 1, 0) * sh; i < min(row + 2, H) * sh; i++) {
        real down = weight_of(row, i, sh, H);
        for (int j = max(col - 1, 0) * sw; j < min(col + 2, W) * sw; j++)
            sum += dy[(plane * H * sh + i) * W * sw + j] * (down * weight_of(col, j, sw, W));
    }
    dx[element] = sum;
}
