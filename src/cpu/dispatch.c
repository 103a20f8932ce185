/* dispatch.c: chooses the kernel tables once, from the processor and the environment variable EVENKEEL_ISA.
 *
 * A ladder of instruction sets, best last, each with a table per data type. The choice is an atomic pointer, filled on
 * first use: two threads that race find the same answer, so no lock is needed. Tables differ in speed only, never in
 * results, which is why the choice may be changed at any time (ek_cpu_set_isa).
 */
#include "cpu/dispatch.h"

#include "base/error.h"
#include <evenkeel/cpu.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define TABLE(isa, data, enumerator, bytes) extern const eki_kernels eki_##data##_kernels__##isa;
#define TABLES(isa) EKI_EACH_DATA_TYPE(TABLE, isa)
#define TABLE_AT(isa, data, enumerator, bytes) [EKI_##enumerator] = &eki_##data##_kernels__##isa,
#define RUNG(isa)                                                                                                      \
    { #isa, {EKI_EACH_DATA_TYPE(TABLE_AT, isa) }, has_##isa }

#if !defined(EK_WITHOUT_GENERIC) /* as the module for JavaScript is, which its own instruction set keeps small */
TABLES(generic)
static int has_generic(void) { return 1; }
#endif

#if defined(__x86_64__)
TABLES(avx2)
TABLES(avx512)

/* By hand: not every clang knows "f16c". */
static int has_f16c(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
static int has_avx2(void) { return __builtin_cpu_supports("avx2") != 0 && has_f16c(); }
static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}
#elif defined(__aarch64__)
TABLES(neon)

static int has_neon(void) { return 1; } /* part of every AArch64 */
#elif defined(__wasm__)
TABLES(wasm)

static int has_wasm(void) { return 1; } /* or no function of the module would run */
#endif

typedef struct {
    const char *isa;
    const eki_kernels *tables[EKI_DATA_TYPES];
    int (*supported)(void);
} rung;

static const rung ladder[] = {
#if !defined(EK_WITHOUT_GENERIC)
    RUNG(generic),
#endif
#if defined(__x86_64__)
    RUNG(avx2),
    RUNG(avx512),
#elif defined(__aarch64__)
    RUNG(neon),
#elif defined(__wasm__)
    RUNG(wasm),
#endif
};

enum { RUNGS = sizeof ladder / sizeof ladder[0] };

static _Atomic(const rung *) in_force;

const eki_kernels *eki_kernels_at(size_t index, eki_data data) {
    return index < RUNGS ? ladder[index].tables[data] : NULL;
}

int eki_kernels_supported(size_t index) { return index < RUNGS && ladder[index].supported(); }

static size_t find(const char *name) {
    size_t i = 0;
    while (i < RUNGS && strcmp(ladder[i].isa, name) != 0) i++;
    return i;
}

/* In WebAssembly there is no environment, and where memory is short the C library's getenv would end the program. */
static const char *named_cap(void) {
#if defined(__wasm__)
    return NULL;
#else
    return getenv("EVENKEEL_ISA");
#endif
}

/* The best supported rung, not above the one that EVENKEEL_ISA names (an unknown name caps nothing). */
static const rung *choose(void) {
    const char *cap = named_cap();
    size_t top = cap != NULL ? find(cap) : RUNGS;
    if (top >= RUNGS) top = RUNGS - 1;
    while (top > 0 && !ladder[top].supported()) top--;
    return &ladder[top];
}

static const rung *get(void) {
    const rung *chosen = atomic_load_explicit(&in_force, memory_order_acquire);
    if (chosen == NULL) {
        chosen = choose();
        atomic_store_explicit(&in_force, chosen, memory_order_release);
    }
    return chosen;
}

const eki_kernels *eki_kernels_get(eki_data data) { return get()->tables[data]; }

const char *ek_cpu_isa(void) { return get()->isa; }

ek_status ek_cpu_set_isa(const char *isa, ek_error *err) {
    if (isa == NULL) {
        atomic_store_explicit(&in_force, choose(), memory_order_release);
        return EK_OK;
    }
    size_t index = find(isa);
    if (index == RUNGS) {
        static const char *const known[] = {"generic", "avx2", "avx512", "neon", "wasm"};
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            if (strcmp(isa, known[i]) == 0) {
                return eki_fail(err, EK_ERR_UNSUPPORTED, "isa \"%s\" is not part of this build; use \"generic\"", isa);
            }
        }
        return eki_fail(err, EK_ERR_ARG,
                        "isa is \"%s\", expected \"generic\", \"avx2\", \"avx512\", \"neon\" or \"wasm\"", isa);
    }
    if (!ladder[index].supported()) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "isa \"%s\" is not supported by this processor, which has \"%s\"", isa,
                        choose()->isa);
    }
    atomic_store_explicit(&in_force, &ladder[index], memory_order_release);
    return EK_OK;
}
