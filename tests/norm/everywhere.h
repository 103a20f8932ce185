/* everywhere.h: a plan gives the same bits on every instruction set and for every way of spreading its tasks. */
#ifndef EVERYWHERE_H
#define EVERYWHERE_H

#include "norm/fixture.h"

/* Changes a fixture before it runs, such as by giving it a mask; may be NULL. */
typedef void (*fixture_setup)(fixture *f);

/* Forward and backward with one thread and generic code, then with others; fails when a bit differs. */
void same_bits_everywhere(ek_norm_desc desc, fixture_setup setup);

#endif
