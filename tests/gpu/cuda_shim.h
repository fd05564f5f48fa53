// Lets g++ compile a CUDA file and a CPU run it: one thread after the other, first to last or last to first.
#include <algorithm>
#include <cmath>
#include <utility>

#define __global__
#define __device__ static inline

struct Index {
    unsigned x = 0, y = 0, z = 0;
};
static Index threadIdx, blockIdx, blockDim, gridDim;

using std::ceil;
using std::exp;
using std::fabs;
using std::floor;
using std::log;
using std::log1p;
using std::round;
using std::tanh;

// Not templates: as in CUDA, arguments of two types are an error, not a conversion.
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }
static inline float min(float a, float b) { return std::fmin(a, b); }
static inline float max(float a, float b) { return std::fmax(a, b); }
static inline double min(double a, double b) { return std::fmin(a, b); }
static inline double max(double a, double b) { return std::fmax(a, b); }

static inline int __ffsll(long long bits) { return __builtin_ffsll(bits); }

static inline int atomicMin(int *address, int value)
{
    int old = *address;
    *address = min(old, value);
    return old;
}

static inline int atomicMax(int *address, int value)
{
    int old = *address;
    *address = max(old, value);
    return old;
}

// A letter for each type of a parameter, upper case for a pointer to it; the arguments of a call must match.
template <class T> struct Letter;
template <> struct Letter<int> { static const char value = 'i', pointer = 'I'; };
template <> struct Letter<long long> { static const char value = 'q', pointer = 'Q'; };
template <> struct Letter<unsigned long long> { static const char value = 'u', pointer = 'U'; };
template <> struct Letter<float> { static const char value = 'f', pointer = 'F'; };
template <> struct Letter<double> { static const char value = 'd', pointer = 'D'; };
template <class T> struct Letter<T *> { static const char value = Letter<std::remove_const_t<T>>::pointer; };

template <class... A> static const char *letters(void (*)(A...))
{
    static const char text[] = {Letter<A>::value..., 0};
    return text;
}

template <class... A, std::size_t... I>
static void run_with(
    void (*kernel)(A...), unsigned blocks, unsigned threads, bool backwards, void **arguments,
    std::index_sequence<I...>)
{
    gridDim.x = blocks;
    blockDim.x = threads;
    for (unsigned turn = 0; turn < blocks * threads; turn++) {
        unsigned thread = backwards ? blocks * threads - 1 - turn : turn;
        blockIdx.x = thread / threads;
        threadIdx.x = thread % threads;
        kernel(*static_cast<A *>(arguments[I])...);
    }
}

template <class... A>
static void run(void (*kernel)(A...), unsigned blocks, unsigned threads, bool backwards, void **arguments)
{
    run_with(kernel, blocks, threads, backwards, arguments, std::index_sequence_for<A...>());
}

// Added for each kernel at the end of a file.
#define LAUNCHER(kernel)                                                                              \
    extern "C" const char *letters_of_##kernel() { return letters(kernel); }                          \
    extern "C" void launch_##kernel(unsigned blocks, unsigned threads, bool backwards, void **arguments) \
    {                                                                                                 \
        run(kernel, blocks, threads, backwards, arguments);                                           \
    }
