/* html_out.h: writing a page: text escaped, and the frame that the pages of the program share.
 *
 * Text comes from anywhere: what is not UTF-8, and what a browser must not see (control characters), becomes U+FFFD. A
 * page is one file that asks nobody for anything; its style is eki_page_css (style/), then what the page adds.
 */
#ifndef EKI_HTML_OUT_H
#define EKI_HTML_OUT_H

#include <stdio.h>

/* Writes text for HTML and attribute values. */
void eki_html(FILE *out, const char *text);
/* Writes `open`, the text escaped, and `close`. */
void eki_put(FILE *out, const char *open, const char *text, const char *close);

/* What a page is called; `skip` is the link that keyboards meet first, to the element `skip_to`. */
typedef struct eki_page {
    const char *title, *description, *skip, *skip_to;
    const char *css; /* its own style */
} eki_page;

/* From the doctype to the opening of the body, and its closing. */
void eki_page_open(FILE *out, const eki_page *page);
void eki_page_close(FILE *out);

/* Embedded when the program is built (embed.cmake). */
extern const char eki_page_css[];

#endif
