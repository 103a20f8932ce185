/* live_known.c: numbers that the page tells; see live_known.h. */
#include "web/live_known.h"

const live_known live_shown = {
    .high_none = 8.59375,
    .high_batch = 92.1875,
    .low_none = 83.203125,
    .low_batch = 98.4375,
    .one_batch = 11.328125,
    .one_group = 87.890625,
    .light_before = 97.265625,
    .light_broken = 9.765625,
    .light_anew = 98.4375,
    .turn_free = 0.237381708,
    .turn_decayed = 2.32477847,
    .turn_predicted = 2.27670342,
};
