/* inspect_facts.h: what `inspect` found, gathered norm by norm for text, JSON and page. */
#ifndef EK_TOOL_INSPECT_FACTS_H
#define EK_TOOL_INSPECT_FACTS_H

#include "spread.h"

#include <evenkeel/doctor.h>

/* What is spread over the channels of a norm: its parameters, and |scale| / sqrt(variance + epsilon). */
typedef enum part { PART_SCALE, PART_BIAS, PART_MEAN, PART_VARIANCE, PART_GAIN, PARTS } part;
extern const char *const part_names[PARTS];

typedef struct norm_facts {
    const ek_norm_seen *seen;
    spread spreads[PARTS];      /* count 0 = there is none, or it could not be read */
    int worst;                  /* severity of its worst finding; -1 = it has none */
    const ek_recalibrated *gap; /* against the data; NULL = not held against any */
    int off;                    /* 1 = the data say that its statistics are off */
} norm_facts;

typedef struct inspect_facts {
    const char *path;
    const ek_model *model;
    const ek_inspection *in;
    const ek_diagnosis *diagnosis; /* NULL = without data */
    norm_facts *norms;
    size_t count;
    size_t severities[EK_SEVERE + 1]; /* findings of each */
} inspect_facts;

/* `facts` has path, model, in and diagnosis; the rest is filled in. EK_ERR_NOMEM, EK_ERR_LIMIT. */
EK_NODISCARD ek_status facts_gather(inspect_facts *facts, ek_error *err);
void facts_free(inspect_facts *facts);

extern const char *const severity_names[EK_SEVERE + 1];
extern const char *const place_names[EK_SEEN_BETWEEN + 1];

#endif
