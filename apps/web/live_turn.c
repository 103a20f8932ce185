/* live_turn.c: the weights of the third convolution as one vector: how long it is and where it points. */
#include "web/live_net.h"

#include <math.h>

enum { WATCHED = 2 };

static size_t count(void) { return live_weights_of(&live_shapes[WATCHED]); }

static double product(const float *a, const float *b) {
    double sum = 0;
    for (size_t i = 0; i < count(); i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static double length_of(const float *a) { return sqrt(product(a, a)); }

static void direction(const live *lab, float *to) {
    double length = live_length(lab);
    for (size_t i = 0; i < count(); i++) to[i] = (float)((double)lab->layer[WATCHED].weight[i] / length);
}

static double away(const live *lab, const float *from) {
    double length = live_length(lab), sum = 0;
    for (size_t i = 0; i < count(); i++) {
        double d = (double)lab->layer[WATCHED].weight[i] / length - (double)from[i];
        sum += d * d;
    }
    return sqrt(sum);
}

double live_length(const live *lab) { return length_of(lab->layer[WATCHED].weight); }
double live_from_mark(const live *lab) { return away(lab, lab->mark); }
double live_turned(const live *lab) { return lab->turned; }
double live_cosine(const live *lab) { return lab->cosine; }
void live_mark(live *lab) { direction(lab, lab->mark); }

void live_turn_before(live *lab) {
    const live_layer *l = &lab->layer[WATCHED];
    lab->cosine = product(l->weight, l->weight_grad) / (length_of(l->weight) * length_of(l->weight_grad));
    direction(lab, lab->last);
}

void live_turn_after(live *lab) { lab->turned = away(lab, lab->last); }
