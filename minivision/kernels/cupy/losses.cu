// Softmax and cross-entropy. Each thread has one place: an example, or a pixel of one. The classes of a place lie L
// apart, L being the places of an image; names are those of ops/losses.py.

extern "C" __global__ void softmax_cross_entropy(
    int count, const real *scores, const long long *target, const real *w, const real *norm,
    real *losses, real *dscores, int C, int L)
{
    int place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= count) return;
    int first = place / L * C * L + place % L;  // the place's score for class 0
    const real *score = scores + first;
    real *dscore = dscores + first;
    real divisor = norm[0] > 0 ? norm[0] : 1;
    if (target[place] < 0) {  // ignored
        losses[place] = 0;
        for (int c = 0; c < C; c++) dscore[c * L] = 0;
        return;
    }

    real largest = score[0];
    for (int c = 1; c < C; c++)
        if (score[c * L] > largest || score[c * L] != score[c * L]) largest = score[c * L];  // NaN stays
    real total = 0;
    for (int c = 0; c < C; c++) total += exp(score[c * L] - largest);  // the largest exponent is 0: no overflow

    losses[place] = w[place] * (log(total) - (score[target[place] * L] - largest)) / divisor;
    for (int c = 0; c < C; c++) {
        real probability = exp(score[c * L] - largest) / total;
        dscore[c * L] = w[place] * (probability - (c == target[place])) / divisor;
    }
}
