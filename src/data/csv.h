/* csv.h: tables as text: RFC 4180 with a header line, and what people's programs make of it.
 *
 * Fields may be quoted ("" is a quote, commas and line ends are themselves); lines end in LF or CRLF; a UTF-8 mark in
 * front is skipped; fields are parted by commas, semicolons or tabs, whichever the header has most of. Blanks around an
 * unquoted field do not belong to it; blank lines do not count.
 */
#ifndef EKI_CSV_H
#define EKI_CSV_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct eki_csv {
    const char *path; /* the caller's */
    char *text;       /* the whole file; fields are ended and unquoted in it */
    size_t size, at;
    int64_t line, next; /* where the row read last begins, from 1; where the reader is */
    char comma;
    char **fields; /* of the row read last; valid until the table is closed */
    size_t count, capacity;
    size_t columns; /* of the header; 0 = not yet read */
} eki_csv;

enum { EKI_CSV_MOST_BYTES = 1 << 28 };

/* Reads the file, or its first `most` bytes up to the end of a line, and the header, which is the first row. */
ek_status eki_csv_open(const char *path, size_t most, eki_csv *csv, ek_error *err);

/* The next row into fields and count, which is the header's; 0 = the table has ended. */
ek_status eki_csv_next(eki_csv *csv, ek_error *err);
void eki_csv_close(eki_csv *csv);

#endif
