// The losses; names are those of ops/losses.py.

// ---- softmax and cross-entropy ----
//
// Each thread computes one place: an example, or a pixel of one. The scores of a place are L apart, where L is the
// number of places of an image.

extern "C" __global__ void softmax(int count, const real *x, real *y, int C, int L)
{
    int place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= count) return;
    int first = place / L * C * L + place % L;  // the place's score for class 0
    const real *score = x + first;
    real *probability = y + first;
    real largest = score[0];
    for (int c = 1; c < C; c++)
        if (score[c * L] > largest || score[c * L] != score[c * L]) largest = score[c * L];  // NaN stays
    real total = 0;
    for (int c = 0; c < C; c++) total += exp(score[c * L] - largest);  // the largest exponent is 0: no overflow
    for (int c = 0; c < C; c++) probability[c * L] = exp(score[c * L] - largest) / total;
}

extern "C" __global__ void softmax_backward(int count, const real *dy, const real *y, real *dx, int C, int L)
{
    int place = blockIdx.x * blockDim.x + threadIdx.x;
    if (place >= count) return;
    int first = place / L * C * L + place % L;
    real total = 0;
    for (int c = 0; c < C; c++) total += dy[first + c * L] * y[first + c * L];
    for (int c = 0; c < C; c++) dx[first + c * L] = y[first + c * L] * (dy[first + c * L] - total);
}

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

// ---- losses of single numbers ----
//
// Each thread computes the loss of one number and its gradient. Both are divided by `divisor`: the count of numbers for
// a mean, 1 for a sum. CuPy adds up the losses.

extern "C" __global__ void binary_cross_entropy_with_logits(
    int count, const real *x, const real *target, real *losses, real *dx, real divisor)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    real small = exp(-fabs(x[element])), positive = x[element] <= 0 ? 0 : x[element];
    real probability = (x[element] < 0 ? small : 1) / (1 + small);
    losses[element] = (positive - x[element] * target[element] + log1p(small)) / divisor;
    dx[element] = (probability - target[element]) / divisor;
}

extern "C" __global__ void smooth_l1_loss(
    int count, const real *x, const real *target, real *losses, real *dx, real divisor, real beta)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    real difference = x[element] - target[element], distance = fabs(difference);
    real sign = difference > 0 ? 1 : difference < 0 ? -1 : difference;  // 0 and NaN stay
    bool near = distance < beta;  // never if beta is 0
    losses[element] = (near ? (real)0.5 * difference * difference / beta : distance - (real)0.5 * beta) / divisor;
    dx[element] = (near ? difference / beta : sign) / divisor;
}

extern "C" __global__ void mse_loss(
    int count, const real *x, const real *target, real *losses, real *dx, real divisor)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    real difference = x[element] - target[element];
    losses[element] = difference * difference / divisor;
    dx[element] = 2 * difference / divisor;
}

extern "C" __global__ void hinge_loss(
    int count, const real *scores, const real *target, real *losses, real *dscores, real divisor, real margin)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    real shortfall = margin - target[element] * scores[element];
    bool met = shortfall <= 0;
    losses[element] = met ? 0 : shortfall / divisor;
    dscores[element] = met ? 0 : -target[element] / divisor;
}
