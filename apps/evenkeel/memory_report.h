/* memory_report.h: what a plan takes, and the process. */
#ifndef MEMORY_REPORT_H
#define MEMORY_REPORT_H

#include "report/json_out.h"

#include <evenkeel/session.h>
#include <stdio.h>

/* Lines that begin with the word `memory` as others do; nothing for an empty report. */
void memory_lines(FILE *file, const ek_memory_report *report);
/* An object `memory`. */
void memory_json(eki_json *json, const ek_memory_report *report);
/* The most bytes that this process has had in memory. */
int64_t memory_peak(void);

#endif
