// Steps of recurrent networks after the matrix products, one thread for each number of the state; names are those of
// ops/recurrent.py.

extern "C" __global__ void rnn_step(int count, const real *from_input, const real *from_hidden, real *h_next)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    h_next[element] = tanh(from_input[element] + from_hidden[element]);
}

__device__ real sigmoid(real x)
{
    real small = exp(-fabs(x));  // at most 1, so it cannot overflow
    return (x < 0 ? small : 1) / (1 + small);
}

extern "C" __global__ void lstm_step(
    int count, const real *sums, const real *c, real *h_next, real *c_next, real *gates, int H)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int first = element / H * 4 * H + element % H;  // of the input gate; the others are H numbers apart
    real i = sigmoid(sums[first]), f = sigmoid(sums[first + H]);
    real g = tanh(sums[first + 2 * H]), o = sigmoid(sums[first + 3 * H]);
    real cell = f * c[element] + i * g;
    c_next[element] = cell;
    h_next[element] = o * tanh(cell);
    gates[first] = i;
    gates[first + H] = f;
    gates[first + 2 * H] = g;
    gates[first + 3 * H] = o;
}

extern "C" __global__ void lstm_step_backward(
    int count, const real *dh_next, const real *dc_next, const real *c, const real *c_next, const real *gates,
    real *dgates, real *dc, int H)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int first = element / H * 4 * H + element % H;
    real i = gates[first], f = gates[first + H], g = gates[first + 2 * H], o = gates[first + 3 * H];
    real shown = tanh(c_next[element]);
    real dcell = dc_next[element] + dh_next[element] * o * (1 - shown * shown);
    dgates[first] = dcell * g * i * (1 - i);
    dgates[first + H] = dcell * c[element] * f * (1 - f);
    dgates[first + 2 * H] = dcell * i * (1 - g * g);
    dgates[first + 3 * H] = dh_next[element] * shown * o * (1 - o);
    dc[element] = dcell * f;
}
