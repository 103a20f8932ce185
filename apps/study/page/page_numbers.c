/* page_numbers.c: a measurement in words for readers. */
#include "study/page/page.h"

#include <math.h>
#include <string.h>

static void in_unit(const eks_endpoint *endpoint, double value, char text[64]) {
    (endpoint->percent ? eki_percent : eki_number)(value, text);
    if (endpoint->percent && endpoint->contrast.terms > 1) text[strlen(text) - 1] = 0; /* a difference: no per cent */
}

void eks_measured(const eks_endpoint *endpoint, double value, double low, double high, char text[EKS_MEASURED_TEXT]) {
    const char *unit = endpoint->percent && endpoint->contrast.terms > 1 ? " points" : "";
    char middle[64], from[64], to[64];
    in_unit(endpoint, value, middle);
    in_unit(endpoint, low, from);
    in_unit(endpoint, high, to);
    if (isfinite(low) && isfinite(high) && low < high)
        snprintf(text, EKS_MEASURED_TEXT, "%s%s (%s to %s)", middle, unit, from, to);
    else
        snprintf(text, EKS_MEASURED_TEXT, "%s%s", middle, isnan(value) ? "" : unit);
}
