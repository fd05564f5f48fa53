// How much boxes overlap, and which of them are suppressed for it. Boxes are x1, y1, x2, y2; names are those of
// ops/boxes.py and ops/suppression.py.

__device__ real intersection_over_union(const real *a, const real *b)
{
    real width = max(min(a[2], b[2]) - max(a[0], b[0]), (real)0);
    real height = max(min(a[3], b[3]) - max(a[1], b[1]), (real)0);
    real intersection = width * height;
    if (intersection == 0) return 0;  // apart, or without area: never 0 / 0
    real area_a = (a[2] - a[0]) * (a[3] - a[1]);
    real area_b = (b[2] - b[0]) * (b[3] - b[1]);
    return intersection / (area_a + area_b - intersection);
}

// One thread for each pair.
extern "C" __global__ void box_iou(int count, const real *a, const real *b, real *iou, int L)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    iou[element] = intersection_over_union(a + 4 * (element / L), b + 4 * (element % L));
}

// ---- non-maximum suppression ----
//
// Boxes come by descending score. First each notes its rivals: the better boxes of its label that it overlaps too much,
// one bit for each, 64 in a word. One thread for each word of each box.
extern "C" __global__ void rivals(
    int count, const real *boxes, const long long *labels, unsigned long long *words, int K, real iou_threshold)
{
    int element = blockIdx.x * blockDim.x + threadIdx.x;
    if (element >= count) return;
    int i = element % K, first = element / K * 64;
    unsigned long long bits = 0;
    for (int j = first; j < min(first + 64, i); j++)
        if (labels[j] == labels[i] && intersection_over_union(boxes + 4 * i, boxes + 4 * j) > iou_threshold)
            bits |= 1ull << (j - first);
    words[element] = bits;
}

// Then each box decides, one thread for each: it goes if a rival stays, it stays if all its rivals go, and else it
// waits for the next round. A decision is never taken back, so it does not matter whether a thread sees what another
// decided in this round: the result is always the textbook's. The best of those that wait decides in each round.
enum { WAITS, STAYS, GOES };

extern "C" __global__ void decide(int count, const unsigned long long *words, int *decision)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count || decision[i] != WAITS) return;
    bool waits = false;
    for (int word = 0; word <= i / 64; word++)
        for (unsigned long long bits = words[word * count + i]; bits; bits &= bits - 1) {  // drops the lowest
            int rival = decision[64 * word + __ffsll(bits) - 1];
            if (rival == STAYS) {
                decision[i] = GOES;
                return;
            }
            waits |= rival == WAITS;
        }
    if (!waits) decision[i] = STAYS;
}
