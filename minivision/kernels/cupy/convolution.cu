// Convolution: im2col, its transpose, and the matrix of a convolution. The matrix products are in convolution.py. Each
// thread computes one element of the result; names are those of ops/convolution.py.

// (N, C, H, W) -> (C, kh, kw, N, H_out, W_out): the pixel under tap (ky, kx) of the filter at position (i, j).
extern "C" __global__ void windows(
    int count, const real *x, real *columns, int N, int C,
    int H, int W, int H_out, int W_out, int kh, int kw, int sh, int sw, int top, int left, int dh, int dw)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int j = element % W_out, i = element / W_out % H_out;
    int n = element / W_out / H_out % N, tap = element / W_out / H_out / N;
    int kx = tap % kw, ky = tap / kw % kh, c = tap / kw / kh;

    int row = i * sh + ky * dh - top, column = j * sw + kx * dw - left;
    bool inside = 0 <= row && row < H && 0 <= column && column < W;
    columns[element] = inside ? x[((n * C + c) * H + row) * W + column] : 0;  // zero padding
}

// Its transpose, (C, kh, kw, N, H_out, W_out) -> (N, C, H, W): each pixel is the sum of its values in all windows that
// contain it. The reference implementation adds window by window; here no two threads add to the same sum.
extern "C" __global__ void add_windows(
    int count, const real *columns, real *x, int N, int C,
    int H, int W, int H_out, int W_out, int kh, int kw, int sh, int sw, int top, int left, int dh, int dw)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int column = element % W, row = element / W % H, c = element / W / H % C, n = element / W / H / C;

    real sum = 0;
    for (int ky = 0; ky < kh; ky++) {
        int i = row + top - ky * dh;  // a multiple of sh if tap ky of a window is on this row
        if (i < 0 || i % sh || i / sh >= H_out) continue;
        i /= sh;
        for (int kx = 0; kx < kw; kx++) {
            int j = column + left - kx * dw;
            if (j < 0 || j % sw || j / sw >= W_out) continue;
            j /= sw;
            sum += columns[((((c * kh + ky) * kw + kx) * N + n) * H_out + i) * W_out + j];
        }
    }
    x[element] = sum;
}

// X[f, i, j, c, row, column]: the tap of filter f on this pixel if the filter is at (i, j).
extern "C" __global__ void conv_matrix(
    int count, const real *w, real *X, int F_group, int C_group, int C,
    int H, int W, int H_out, int W_out, int kh, int kw, int sh, int sw, int top, int left, int dh, int dw)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int column = element % W, row = element / W % H, c = element / W / H % C;
    int place = element / W / H / C;
    int j = place % W_out, i = place / W_out % H_out, f = place / W_out / H_out;

    int down = row + top - i * sh, across = column + left - j * sw;  // from the filter's first tap, in pixels
    bool covered = c / C_group == f / F_group && 0 <= down && down % dh == 0 && down / dh < kh
                   && 0 <= across && across % dw == 0 && across / dw < kw;
    X[element] = covered ? w[((f * C_group + c % C_group) * kh + down / dh) * kw + across / dw] : 0;
}
