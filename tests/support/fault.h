/* fault.h: one fault of one rank: a transport that spoils another. */
#ifndef EKI_TEST_FAULT_H
#define EKI_TEST_FAULT_H

#include "dist/transport.h"

typedef enum eki_fault_kind {
    EKI_FAULT_NONE = 0,
    EKI_FAULT_DELAY,   /* the message is sent after `milliseconds` */
    EKI_FAULT_DROP,    /* the message is never sent */
    EKI_FAULT_SHORT,   /* its last byte is missing */
    EKI_FAULT_CORRUPT, /* byte `offset` is changed: a wrong id */
    EKI_FAULT_DIE      /* nothing is sent or received from here on, as of a process that is gone */
} eki_fault_kind;

typedef struct eki_fault {
    eki_fault_kind kind;
    int nth; /* which message of this rank, from 0 */
    int milliseconds;
    size_t offset;
} eki_fault;

/* Takes `inner`, which ends with the result. */
ek_status eki_fault_wrap(eki_transport *inner, const eki_fault *fault, eki_transport **transport, ek_error *err);

#endif
