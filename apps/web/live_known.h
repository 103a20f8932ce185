/* live_known.h: what the experiments of the laboratory show at the settings they begin with, in percent unless said
 * otherwise. The page tells it in words; tests/study/test_live.c and live.test.mjs find it anew. */
#ifndef LIVE_KNOWN_H
#define LIVE_KNOWN_H

typedef struct live_known {
    double high_none, high_batch;                  /* 150 steps at rate 0.4, batch 32, by batch statistics */
    double low_none, low_batch;                    /* at rate 0.03 */
    double one_batch, one_group;                   /* 1500 steps with one image a batch, rate 0.004 */
    double light_before, light_broken, light_anew; /* 200 steps at rate 0.05, evaluated; then light + 0.4 */
    double turn_free, turn_decayed,
        turn_predicted; /* degrees a step, over steps 301 to 400 at rate 0.03, decay 0 and 0.05 */
} live_known;

extern const live_known live_shown;

#endif
