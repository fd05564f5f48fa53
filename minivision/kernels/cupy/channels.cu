// Sums over each channel of maps (N, C, H, W), with `values` = N * H * W and `size` = H * W.
//
// They are added up in parts: thread `lane` of a channel adds its values lane, lane + lanes, ..., so that neighboring
// threads read neighboring values. CuPy adds up the parts, (C, lanes).

// Position of value i of a channel.
__device__ int position(unsigned i, int c, int C, int size)
{
    return (i / size * C + c) * size + i % size;
}

extern "C" __global__ void channel_sums(
    int count, const real *x, real *sums, int values, int C, int size, int lanes)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int c = element / lanes;
    real sum = 0;
    for (unsigned i = element % lanes; i < values; i += lanes) sum += x[position(i, c, C, size)];
    sums[element] = sum;
}

extern "C" __global__ void channel_squares(
    int count, const real *x, const real *mean, real *squares, int values, int C, int size, int lanes)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int c = element / lanes;
    real sum = 0;
    for (unsigned i = element % lanes; i < values; i += lanes) {
        real difference = x[position(i, c, C, size)] - mean[c];
        sum += difference * difference;
    }
    squares[element] = sum;
}

extern "C" __global__ void channel_gradients(
    int count, const real *dy, const real *x, const real *mean, const real *inv_std, real *dgamma, real *dbeta,
    int values, int C, int size, int lanes)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int c = element / lanes;
    real of_gamma = 0, of_beta = 0;
    for (unsigned i = element % lanes; i < values; i += lanes) {
        int at = position(i, c, C, size);
        of_gamma += dy[at] * ((x[at] - mean[c]) * inv_std[c]);
        of_beta += dy[at];
    }
    dgamma[element] = of_gamma;
    dbeta[element] = of_beta;
}
