// IoU of boxes, and non-maximum suppression. Boxes are x1, y1, x2, y2; names are those of ops/boxes.py and
// ops/suppression.py.

__device__ real intersection_over_union(const real *a, const real *b)
{
    real width = max(min(a[2], b[2]) - max(a[0], b[0]), (real)0);
    real height = max(min(a[3], b[3]) - max(a[1], b[1]), (real)0);
    real intersection = width * height;
    if (intersection == 0) return 0;  // no intersection, or no area: never 0 / 0
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
// Boxes are sorted by descending score. First find for each box those that suppress it if they are kept: boxes of
// higher score and the same label with an IoU above the threshold. One bit for each, 64 in a word; one thread for each
// word of each box.
extern "C" __global__ void find_suppressors(
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

// Then rounds, with one thread for each box: a box is suppressed if one of those boxes is kept, it is kept if all of
// them are suppressed, and otherwise it stays undecided for the next round. A decision is final, so it does not matter
// whether a thread already sees decisions of the same round: the result is always that of the reference implementation.
// In each round at least the undecided box with the highest score is decided.
enum { UNDECIDED, KEPT, SUPPRESSED };

extern "C" __global__ void decide(int count, const unsigned long long *words, int *states)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count || states[i] != UNDECIDED) return;
    bool undecided = false;
    for (int word = 0; word <= i / 64; word++)
        for (unsigned long long bits = words[word * count + i]; bits; bits &= bits - 1) {  // clears the lowest
            int state = states[64 * word + __ffsll(bits) - 1];
            if (state == KEPT) {
                states[i] = SUPPRESSED;
                return;
            }
            undecided |= state == UNDECIDED;
        }
    if (!undecided) states[i] = KEPT;
}
