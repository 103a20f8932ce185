/* page_axes.c: which values share a mean, as small drawings.
 *
 * A panel shows three images (rows) of four channels (columns); a block of nine squares is one map of height times
 * width. The squares of one set are filled and hatched, all others are outlines, so that no colour is needed.
 */
#include "study/page/page.h"

enum { IMAGES = 3, CHANNELS = 4, PLACES = 9, SQUARE = 9, BLOCK = 35, LEFT = 22, TOP = 20, WIDTH = 164, HEIGHT = 130 };

/* Who shares with image 2, channel 2, the middle place. */
typedef struct panel {
    const char *title, *shares;
    int over_images, channels, over_places; /* all images? how many channels? all places? */
    int wrong;                              /* 1 = a reading that is taught or tried, and is not the norm it names */
} panel;

static const panel batch = {"Batch norm", "One channel; all images, all places. One set per channel.", 1, 1, 1, 0};
static const panel layer = {"Layer norm", "One image; all channels, all places. One set per image.", 0, CHANNELS, 1, 0};
static const panel group = {"Group norm", "One image, a group of channels; all places.", 0, 2, 1, 0};
static const panel instance = {"Instance norm", "One image, one channel; all places.", 0, 1, 1, 0};
static const panel token = {"Layer norm, per token",
                            "One place of one image; all channels. As transformers use it, "
                            "where a place is a token.",
                            0,
                            CHANNELS,
                            0,
                            0};
static const panel one_group = {
    "One group", "All channels in one group: layer norm over the image.", 0, CHANNELS, 1, 0};
static const panel each = {"A group per channel", "Every channel its own group: instance norm.", 0, 1, 1, 0};
static const panel per_place = {"Not group norm: per place",
                                "A group of channels at one place only, as it is sometimes "
                                "put. Group norm shares over places, too.",
                                0,
                                2,
                                0,
                                1};
static const panel batch_only = {"Not batch norm: images only",
                                 "One channel at one place; all images. Every place would "
                                 "get a mean of its own, from few values.",
                                 1,
                                 1,
                                 0,
                                 1};

typedef struct gallery {
    int card;
    const panel *panels[5]; /* NULL ends */
} gallery;

static const gallery galleries[] = {
    {0, {&batch, &layer, &group, &instance}},
    {8, {&batch, &batch_only, &instance}},
    {9, {&batch, &layer, &token}},
    {10, {&group, &one_group, &each, &per_place}},
};

static int shares(const panel *p, int image, int channel, int place) {
    int first = p->channels == 1 ? 1 : 0;
    return (p->over_images || image == 1) && channel >= first && channel < first + p->channels &&
           (p->over_places || place == PLACES / 2);
}

/* All squares of the set, or all others, as one path. */
static void squares(FILE *out, const panel *p, int in) {
    for (int n = 0; n < IMAGES; n++)
        for (int c = 0; c < CHANNELS; c++)
            for (int i = 0; i < PLACES; i++)
                if (shares(p, n, c, i) == in)
                    fprintf(out, "M%d %dh%dv%dh-%dz", LEFT + c * BLOCK + i % 3 * (SQUARE + 1),
                            TOP + n * BLOCK + i / 3 * (SQUARE + 1), SQUARE, SQUARE, SQUARE);
}

static void draw(FILE *out, const panel *p, int card, int index) {
    char hatch[24];
    snprintf(hatch, sizeof hatch, "axes-%d-%d", card, index);
    fprintf(out,
            "<figure class=\"axes%s\"><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-t %s-d\">"
            "<title id=\"%s-t\">",
            p->wrong ? " wrong" : "", WIDTH, HEIGHT, hatch, hatch, hatch);
    eki_put(out, "", p->title, "</title>");
    fprintf(out, "<desc id=\"%s-d\">", hatch);
    eki_put(out, "Which values share one mean and one variance: ", p->shares, "</desc>");
    fprintf(out,
            "<defs><pattern id=\"%s\" width=\"3\" height=\"3\" patternUnits=\"userSpaceOnUse\" "
            "patternTransform=\"rotate(45)\"><rect class=\"ground\" width=\"3\" height=\"3\"/>"
            "<line class=\"stripe\" x1=\"0\" x2=\"0\" y1=\"0\" y2=\"3\"/></pattern></defs>"
            "<text x=\"%d\" y=\"12\">channels →</text><text transform=\"translate(12 %d) rotate(-90)\" "
            "text-anchor=\"end\">← images</text>",
            hatch, LEFT, TOP);
    fputs("<path class=\"out\" d=\"", out);
    squares(out, p, 0);
    fprintf(out, "\"/><path class=\"in\" fill=\"url(#%s)\" d=\"", hatch);
    squares(out, p, 1);
    fputs("\"/></svg><figcaption>", out);
    if (p->wrong) fputs("<span class=\"cross\" aria-hidden=\"true\">✗</span> ", out);
    eki_put(out, "<strong>", p->title, "</strong> ");
    eki_put(out, "<span>", p->shares, "</span></figcaption></figure>\n");
}

void eks_page_axes(FILE *out, int card) {
    for (size_t g = 0; g < sizeof galleries / sizeof galleries[0]; g++) {
        if (galleries[g].card != card) continue;
        fputs("<div class=\"axes-row\">\n", out);
        for (int i = 0; galleries[g].panels[i]; i++) draw(out, galleries[g].panels[i], card, i);
        fputs("</div>\n", out);
    }
}
