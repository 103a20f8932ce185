/* timer.h: a clock for measuring. */
#ifndef EKI_TIMER_H
#define EKI_TIMER_H

double eki_now(void);            /* seconds of a monotonic clock */
double eki_thread_seconds(void); /* that this thread has had a processor for */

#endif
