/* page_live.h: the laboratory on the page (apps/web): what the reader runs, told in words and numbers where there is no
 * script or no module. */
#ifndef EKS_PAGE_LIVE_H
#define EKS_PAGE_LIVE_H

#include <stdio.h>

void eks_page_live(FILE *out);
void eks_page_live_script(FILE *out); /* at the end of the page: the module and its script */

/* Embedded when the program is built: the script, and the module: gzip, base64; empty where there were no tools. */
extern const char eks_live_js[], eks_live_module_js[];

#endif
