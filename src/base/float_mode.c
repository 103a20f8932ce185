/* float_mode.c: see float_mode.h. The only place with assembly. */
#include "base/float_mode.h"

#if defined(__x86_64__)
/* Bits 0 to 5 are flags, 6 and 15 flush denormals, 7 to 12 mask the traps, 13 and 14 round. */
enum { FLAGS = 0x3f, DEFAULT = 0x1f80 };

static uint64_t read_word(void) {
    uint32_t word;
    __asm__ volatile("stmxcsr %0" : "=m"(word) : : "memory");
    return word;
}

static void write_word(uint64_t word) {
    uint32_t kept = (uint32_t)word;
    __asm__ volatile("ldmxcsr %0" : : "m"(kept) : "memory");
}
#elif defined(__aarch64__)
/* The flags are in another register. */
enum { FLAGS = 0, DEFAULT = 0 };

static uint64_t read_word(void) {
    uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word) : : "memory");
    return word;
}

static void write_word(uint64_t word) { __asm__ volatile("msr fpcr, %0" : : "r"(word) : "memory"); }
#else
enum { FLAGS = 0, DEFAULT = 0 };

static uint64_t read_word(void) { return DEFAULT; }
static void write_word(uint64_t word) { (void)word; }
#endif

/* Writing is what takes time. */
static void change(uint64_t now, uint64_t modes) {
    if (((now ^ modes) & ~(uint64_t)FLAGS) != 0) write_word((modes & ~(uint64_t)FLAGS) | (now & FLAGS));
}

eki_float_mode eki_float_mode_get(void) { return (eki_float_mode){read_word()}; }
void eki_float_mode_set(eki_float_mode mode) { change(read_word(), mode.word); }
void eki_float_mode_restore(const eki_float_mode *mode) { eki_float_mode_set(*mode); }

eki_float_mode eki_float_mode_change(eki_float_mode mode) {
    eki_float_mode before = eki_float_mode_get();
    change(before.word, mode.word);
    return before;
}

eki_float_mode eki_float_mode_default(void) { return eki_float_mode_change((eki_float_mode){DEFAULT}); }
