/* absent.h: who the launcher has started, and who of them has not come to the start. */
#ifndef EKI_ABSENT_H
#define EKI_ABSENT_H

#include <stddef.h>

/* By the launcher's variables; 1 rank and rank 0 without a launcher. */
int eki_launched_ranks(void);
int eki_launched_rank(void);

/* From now on others see this process as one that waits for the start. */
void eki_absent_mark(void);

/* "rank 1 never came: its process 123 (sleep) is stopped; rank 2 ...", of the ranks of this launcher. */
void eki_absent_text(char *text, size_t room);

#endif
