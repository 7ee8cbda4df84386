/* Which instruction level the processor has. */
#include <stdint.h>

#include "api.h"

API int64_t has_avx2(void);

#ifdef __x86_64__
#include <cpuid.h>

/* Whether the system keeps the wide registers when it changes tasks. */
static int keeps_wide_registers(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

/* All of x86-64-v3: compilers may use any of it. */
int64_t has_avx2(void)
{
    const uint32_t first = 1u << 12 | 1u << 22 | 1u << 23 | 1u << 27 | 1u << 28 | 1u << 29;
    const uint32_t seventh = 1u << 3 | 1u << 5 | 1u << 8; /* BMI1, AVX2, BMI2 */
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & first) != first || !keeps_wide_registers())
        return 0; /* FMA, MOVBE, POPCNT, OSXSAVE, AVX, F16C */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & seventh) != seventh)
        return 0;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c >> 5 & 1); /* LZCNT */
}
#else
int64_t has_avx2(void) { return 0; }
#endif
