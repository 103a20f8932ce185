/* inspect_page.h: the page of `inspect --report`, section by section.
 *
 * One file without script: what is folded away opens by <details>, also when a link leads into it. Every text of the
 * model is escaped and cut to a length; lists, tables and details are bounded, and say so where they end, so that no
 * model makes a page of more than some megabytes.
 */
#ifndef EK_TOOL_INSPECT_PAGE_H
#define EK_TOOL_INSPECT_PAGE_H

#include "inspect_facts.h"
#include "plot.h"

enum {
    PAGE_DETAILS = 400,  /* norms with details */
    PAGE_ROWS = 800,     /* of a table along depth */
    PAGE_FINDINGS = 150, /* of one kind */
    PAGE_FEW = 3,        /* that are not folded away */
    PAGE_NAME = 72       /* bytes of a name that are shown */
};

typedef struct inspect_page {
    const inspect_facts *facts;
    unsigned char *detailed; /* of each norm: 1 = it has details, and links lead to it */
    size_t left_out;         /* norms without */
} inspect_page;

/* Writes the page to `path`. EK_ERR_IO, EK_ERR_NOMEM. */
EK_NODISCARD ek_status page_save(const char *path, const inspect_facts *facts, ek_error *err);

/* ---- the sections ---- */
void page_findings(FILE *out, const inspect_page *page);
void page_depth(FILE *out, const inspect_page *page);
void page_gap(FILE *out, const inspect_page *page); /* nothing without data */
void page_norms(FILE *out, const inspect_page *page);
void page_unseen(FILE *out, const inspect_page *page);

/* ---- what they share ---- */
size_t page_unread(const inspect_facts *facts); /* norms with parameters that could not be read */
/* A name as code, its middle left out where it is long. */
void page_name(FILE *out, const char *name);
/* "12 bn1", the name leading to the norm's details where it has some. */
void page_norm_link(FILE *out, const inspect_page *page, size_t norm);
/* "1 norm", "12 norms". */
void page_count(FILE *out, size_t count, const char *one, const char *many);
/* A number; "–" for NaN. */
void page_number(FILE *out, const char *open, double value, const char *close);
void page_chip(FILE *out, int severity);
/* What a plot's pointer layer says of its columns begins with the norms. */
void page_tip_norms(FILE *out, const inspect_page *page, const plot_column *column);
int page_leads(const void *page, size_t norm);

extern const char inspect_css[];

#endif
