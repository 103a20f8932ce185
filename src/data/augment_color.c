/* augment_color.c: other light, and parts covered.
 *
 * Jitter: x f, then g + f (x - g) with g the mean of the gray image, then with g the gray value of the pixel; each f is
 * uniform in [max(0, 1 - s), 1 + s], as in torchvision, but always in this order. Pixels stay in [0, 1].
 */
#include "data/augment.h"

#include "base/random.h"

#include <math.h>

enum { BRIGHTNESS, CONTRAST, SATURATION };

typedef struct light {
    float factor[3];
    bool bounded; /* pixels; other numbers have no bounds */
    int channels;
    size_t plane;
} light;

static light draw_light(const eki_recipe *r, uint64_t epoch, uint64_t id) {
    const ek_dataset_info *info = &r->dataset->info;
    eki_random random = eki_random_stream(r->seed, "jitter", epoch, id);
    const float *of_byte = r->dataset->of_byte;
    light l = {.bounded = r->dataset->dtype == EK_U8 && of_byte[0] == 0 && of_byte[255] == 1,
               .channels = info->channels,
               .plane = (size_t)info->height * (size_t)info->width};
    for (int i = 0; i < 3; i++) {
        double s = (double)r->jitter[i], low = s < 1 ? 1 - s : 0;
        l.factor[i] = (float)(low + eki_random_uniform(random, (uint64_t)i) * (1 + s - low));
    }
    return l;
}

static void read_example(const eki_recipe *r, const eki_making *m) {
    const unsigned char *bytes = m->pixels;
    const float *values = m->pixels;
    bool u8 = r->dataset->dtype == EK_U8;
    for (size_t i = 0; i < r->dataset->example_values; i++)
        m->scratch[i] = u8 ? r->dataset->of_byte[bytes[i]] : values[i];
}

/* Luma of RGB (Rec. 601), else the mean of the channels. */
static float gray(const light *l, const float *pixel) {
    if (l->channels == 3) return 0.299f * pixel[0] + 0.587f * pixel[l->plane] + 0.114f * pixel[2 * l->plane];
    float sum = 0;
    for (int c = 0; c < l->channels; c++) sum += pixel[(size_t)c * l->plane];
    return sum / (float)l->channels;
}

static float mean_gray(const light *l, const float *values) {
    double sum = 0;
    for (size_t i = 0; i < l->plane; i++) sum += (double)gray(l, values + i);
    return (float)(sum / (double)l->plane);
}

static void blend(const light *l, float factor, float base, float *x) {
    float y = base + factor * (*x - base);
    *x = !l->bounded ? y : y < 0 ? 0 : y > 1 ? 1 : y;
}

static void blend_all(const light *l, float factor, float base, float *values) {
    for (size_t i = 0; i < l->plane * (size_t)l->channels; i++) blend(l, factor, base, &values[i]);
}

static void saturate(const light *l, float *values) {
    for (size_t i = 0; i < l->plane; i++) {
        float base = gray(l, values + i);
        for (int c = 0; c < l->channels; c++) blend(l, l->factor[SATURATION], base, &values[(size_t)c * l->plane + i]);
    }
}

void eki_jitter(const eki_recipe *r, const eki_making *m) {
    const light l = draw_light(r, m->epoch, m->id);
    float *values = m->scratch;
    read_example(r, m);
    if (r->jitter[BRIGHTNESS] > 0) blend_all(&l, l.factor[BRIGHTNESS], 0, values);
    if (r->jitter[CONTRAST] > 0) blend_all(&l, l.factor[CONTRAST], mean_gray(&l, values), values);
    if (r->jitter[SATURATION] > 0 && l.channels == 3) saturate(&l, values);
    for (size_t i = 0; i < l.plane * (size_t)l.channels; i++) {
        size_t c = i / l.plane;
        values[i] = (values[i] - r->mean[c]) / r->std[c];
    }
}

enum { TRIES = 10 };

typedef struct box {
    int y, x, height, width;
} box;

/* A share of 0.02 to 0.33 of the area, sides of 0.3 to 3.3 (Zhong et al. 2017); false: it is no part of the image. */
static bool draw_box(const ek_dataset_info *info, eki_random random, uint64_t counter, box *b) {
    double area = (0.02 + eki_random_uniform(random, counter) * 0.31) * info->height * info->width;
    double ratio = exp(log(0.3) + eki_random_uniform(random, counter + 1) * (log(3.3) - log(0.3)));
    b->height = (int)lround(sqrt(area * ratio));
    b->width = (int)lround(sqrt(area / ratio));
    if (b->height < 1 || b->width < 1 || b->height >= info->height || b->width >= info->width) return false;
    b->y = (int)eki_random_below(random, counter + 2, (uint64_t)(info->height - b->height + 1));
    b->x = (int)eki_random_below(random, counter + 3, (uint64_t)(info->width - b->width + 1));
    return true;
}

void eki_erase(const eki_recipe *r, uint64_t epoch, uint64_t id, float *image) {
    const ek_dataset_info *info = &r->dataset->info;
    eki_random random = eki_random_stream(r->seed, "erase", epoch, id);
    box b = {0};
    bool found = false;
    if (!(eki_random_uniform(random, 0) < (double)r->erase)) return;
    for (uint64_t i = 0; i < TRIES && !found; i++) found = draw_box(info, random, 1 + 4 * i, &b);
    for (int c = 0; c < info->channels && found; c++) {
        for (int y = b.y; y < b.y + b.height; y++) {
            float *row = image + ((size_t)c * (size_t)info->height + (size_t)y) * (size_t)info->width;
            for (int x = b.x; x < b.x + b.width; x++) row[x] = 0;
        }
    }
}
