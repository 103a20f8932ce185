/* augment_motion.c: how an example is moved in an epoch: drawn from (seed, epoch, example), for its image and its mask.
 */
#include "data/augment.h"

#include "base/random.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

eki_motion eki_motion_draw(const eki_recipe *r, uint64_t epoch, uint64_t id) {
    eki_random random = eki_random_stream(r->seed, "augment", epoch, id);
    uint64_t range = 2 * (uint64_t)r->crop + 1;
    eki_motion m = {.cos = 1};
    m.dy = (int)eki_random_below(random, 0, range) - r->crop;
    m.dx = (int)eki_random_below(random, 1, range) - r->crop;
    m.flip = r->flip && (eki_random_u32(random, 2) >> 31) != 0;
    m.turns = r->rotate > 0;
    if (!m.turns) return m;
    double angle = (2 * eki_random_uniform(random, 3) - 1) * (double)r->rotate * pi / 180;
    m.cos = cos(angle);
    m.sin = sin(angle);
    return m;
}

void eki_motion_place(const eki_motion *m, const ek_dataset_info *info, int y, int x, double *from_y, double *from_x) {
    double middle_y = (info->height - 1) / 2.0, middle_x = (info->width - 1) / 2.0;
    double down = y + m->dy - middle_y, right = (m->flip ? info->width - 1 - x : x) + m->dx - middle_x;
    *from_x = m->cos * right - m->sin * down + middle_x;
    *from_y = m->sin * right + m->cos * down + middle_y;
}
