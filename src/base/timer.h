/* timer.h: a clock for measuring. */
#ifndef EKI_TIMER_H
#define EKI_TIMER_H

double eki_now(void); /* seconds of a monotonic clock */

#endif
