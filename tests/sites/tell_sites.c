/* tell_sites.c: the sites of files, with all that is known of them, as JSON: a list of lists.
 *
 *     tell_sites FILE.onnx...
 */
#include "onnx/onnx.h"
#include "sites/sites.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Of a site that has this parameter, null where its numbers are not known. */
static void put_numbers(const eki_sites *sites, const eki_site *site, eki_role role) {
    eki_numbers numbers = {0};
    ek_error ignored;
    printf(", \"%s\": ", eki_role_name(role));
    if (eki_site_numbers(sites, site, role, &numbers, &ignored) != EK_OK) {
        printf("null");
        return;
    }
    for (int64_t i = 0; i < numbers.count; i++) printf("%s%.17g", i > 0 ? "," : "[", numbers.at[i]);
    printf("]");
    eki_numbers_free(&numbers);
}

static void put_site(const eki_sites *sites, const eki_site *site) {
    printf("{\"kind\": \"%s\", \"spelling\": \"%s\", \"path\": \"%s\", \"training\": %s, \"groups\": %" PRId64
           ", \"channels\": %" PRId64 ", \"channel_axis\": %d, \"rank\": %d",
           eki_site_kind_name(site->kind), eki_spelling_name(site->spelling), site->path,
           site->training ? "true" : "false", site->groups, site->channels, site->channel_axis, site->rank);
    if (isfinite(site->epsilon)) printf(", \"epsilon\": %.17g", site->epsilon);
    printf(", \"axes\": [");
    for (int i = 0; i < site->n_axes; i++) printf("%s%d", i > 0 ? "," : "", site->axes[i]);
    printf("]");
    for (int role = 0; role < EKI_ROLES; role++) {
        bool composed = site->kind == EKI_SITE_AFFINE && role <= EKI_BIAS;
        if (site->parameters[role].value != NULL || composed) put_numbers(sites, site, (eki_role)role);
    }
    printf("}");
}

static int tell(const char *file) {
    eki_graph *graph;
    eki_sites sites;
    ek_error err = {.text = ""};
    if (eki_onnx_load(file, NULL, &graph, &err) != EK_OK || eki_graph_sort(graph, &err) != EK_OK ||
        eki_sites_find(graph, &sites, &err) != EK_OK) {
        fprintf(stderr, "%s: %s\n", file, err.text);
        return 1;
    }
    printf("[");
    for (size_t i = 0; i < sites.count; i++) {
        if (i > 0) printf(",\n");
        put_site(&sites, &sites.items[i]);
    }
    printf("]");
    eki_sites_free(&sites);
    eki_graph_destroy(graph);
    return 0;
}

int main(int argc, char **argv) {
    int failed = 0;
    printf("[");
    for (int i = 1; i < argc && failed == 0; i++) {
        if (i > 1) printf(",\n");
        failed = tell(argv[i]);
    }
    printf("]\n");
    return failed;
}
