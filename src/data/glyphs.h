/* glyphs.h: how the ten digits of the built-in set are written. */
#ifndef EKI_GLYPHS_H
#define EKI_GLYPHS_H

enum { EKI_GLYPH_POINTS = 14, EKI_GLYPH_STROKES = 3, EKI_GLYPH_STYLES = 4 };

/* One stroke of the pen through `count` points, in hundredths of the glyph's box, x to the right and y down. */
typedef struct eki_stroke {
    int count;
    int smooth; /* 1 = a curve through the points, 0 = straight lines between them */
    unsigned char points[EKI_GLYPH_POINTS][2];
} eki_stroke;

typedef struct eki_glyph {
    int strokes;
    eki_stroke stroke[EKI_GLYPH_STROKES];
} eki_glyph;

/* Ways to write a digit 0..9. */
int eki_glyph_styles(int digit);
const eki_glyph *eki_glyph_find(int digit, int style);

#endif
