// Batch normalization, given mean and standard deviation of each channel. Each thread computes one element of the
// result; names are those of ops/normalization.py. `size` is the size of a map, H * W.

extern "C" __global__ void batch_norm2d(
    int count, const real *x, const real *gamma, const real *beta, const real *mean, const real *inv_std, real *y,
    int C, int size)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int c = element / size % C;
    real normalized = (x[element] - mean[c]) * inv_std[c];
    y[element] = gamma[c] * normalized + beta[c];
}

// The mean and the variance depend on all values of a channel, so a gradient that shifts or scales a whole channel
// is removed.
extern "C" __global__ void batch_norm2d_backward(
    int count, const real *dy, const real *x, const real *gamma, const real *mean, const real *inv_std,
    const real *dgamma, const real *dbeta, real *dx, int C, int size)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int c = element / size % C, values = count / C;  // of a channel
    real normalized = (x[element] - mean[c]) * inv_std[c];
    real rest = dy[element] - dbeta[c] / values - normalized * dgamma[c] / values;
    dx[element] = gamma[c] * inv_std[c] * rest;
}
