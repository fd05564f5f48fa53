// Pointwise operations, one thread for each number; names are those of ops/pointwise.py.

extern "C" __global__ void relu(int count, const real *x, real *y)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    y[element] = x[element] <= 0 ? 0 : x[element];  // NaN stays
}

extern "C" __global__ void relu_backward(int count, const real *dy, const real *x, real *dx)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    dx[element] = x[element] <= 0 ? 0 : dy[element];
}

extern "C" __global__ void sigmoid(int count, const real *x, real *y)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    real small = exp(-fabs(x[element]));  // at most 1, so it cannot overflow
    y[element] = (x[element] < 0 ? small : 1) / (1 + small);
}

extern "C" __global__ void sigmoid_backward(int count, const real *dy, const real *y, real *dx)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    dx[element] = dy[element] * y[element] * (1 - y[element]);
}
