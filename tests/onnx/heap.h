/* heap.h: how much memory is in use, by wrapping malloc and its kin at link time (see CMakeLists.txt). */
#ifndef TEST_ONNX_HEAP_H
#define TEST_ONNX_HEAP_H

#include <stddef.h>

void heap_begin(void);     /* starts counting at zero */
size_t heap_peak(void);    /* the most that was in use since then */
long heap_balance(void);   /* what is in use now and was not then: 0 = nothing leaked */
void heap_fail_at(long n); /* the n-th allocation from now fails; 0 = none */

#endif
