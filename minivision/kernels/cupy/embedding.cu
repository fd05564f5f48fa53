// The gradient of the embedding of words; the name is that of ops/embedding.py.

// Each thread computes one number of one word: it looks for the places where the word occurs, so that nothing is added
// by two threads, and the sum has one order.
extern "C" __global__ void embedding_backward(
    int count, const real *dy, const long long *tokens, real *dw, int D, int places)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int word = element / D, d = element % D;
    real total = 0;
    for (int place = 0; place < places; place++)
        if (tokens[place] == word) total += dy[place * D + d];
    dw[element] = total;
}
