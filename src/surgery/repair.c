/* repair.c: norms that a file describes by the rules of another framework or time. */
#include "surgery/convert.h"

ek_status eki_repair(eki_converter *c) {
    (void)c;
    return EK_OK;
}
