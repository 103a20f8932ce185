/* convert.h: the parts of ek_convert. */
#ifndef EKI_CONVERT_H
#define EKI_CONVERT_H

#include "surgery/graph_places.h"

/* Moments of a pair of numbers: u, what the new norm makes (or reads), and y, what the old one made. */
typedef struct eki_pair_moment {
    double count, mean_u, mean_y, uu, uy, yy; /* the last three: sums of products of deviations */
} eki_pair_moment;

/* One norm on its way. */
typedef struct eki_conversion {
    const char *name, *output, *input; /* in the converted model; the output is that of the old norm, too */
    ek_norm_target target;
    int64_t channels, groups;
    double epsilon, momentum;
    eki_value *part[5];   /* scale, bias, mean, variance as 1 to 4; NULL = there is none */
    double *scale, *bias; /* as they were */
    bool fits;            /* scale and bias are to be found on data */
    int level;            /* pass */
    eki_pair_moment *moments;
} eki_conversion;

typedef struct eki_converter {
    const ek_convert_options *options;
    const ek_model *model;        /* as it was */
    const eki_examples *examples; /* fit scale and bias; NULL = they are carried over */
    eki_graph *graph;             /* of the place at hand: a view of the model's, or a graph in it, with shapes */
    const eki_place *place;
    size_t found; /* norms that were meant */
    bool native;  /* GroupNormalization can be written as one node */
    eki_arena arena;
    eki_conversion *items;
    size_t count, room;
    ek_edit_report *report;
    double drift; /* of the outputs over the data; negative = not measured */
    ek_error *err;
} eki_converter;

/* ---- convert_model.c ---- */
/* ek_convert, with the examples that its data set gives. The options are whole. */
ek_status eki_convert(ek_model *model, const ek_convert_options *options, const eki_examples *examples,
                      ek_model **converted, ek_edit_report **report, double *drift, ek_error *err);

/* ---- convert_places.c ---- */
/* What is asked for, in a nested graph or a function. */
ek_status eki_convert_place(eki_converter *c, eki_place *place);

/* ---- convert_written.c ---- */
/* One node for each norm that is written as several and will be converted. */
ek_status eki_convert_written(eki_converter *c, const ek_model *model);

/* ---- convert_norm.c ---- */
/* A row of the report, by the norm's name in its place. */
ek_status eki_convert_row(const eki_converter *c, const char *name, bool changed, const char *text);
/* A Mul and an Add of the graph at hand, where they are no part of a norm. */
ek_status eki_convert_all_frozen(eki_converter *c);
/* Replaces one norm, or leaves it alone, with a row in the report. */
ek_status eki_convert_norm(eki_converter *c, eki_node *node, const ek_model_norm *info);
/* A Mul and an Add per channel, back into a batch norm; nothing where the node is no such Mul. */
ek_status eki_convert_frozen(eki_converter *c, const eki_uses *uses, eki_node *mul);

/* ---- convert_fit.c ---- */
/* Finds scale and bias of the new norms on data, behind each other, and how far the outputs are from the old ones. */
ek_status eki_convert_fit(eki_converter *c, ek_model *before, ek_model *after);

/* ---- convert_forms.c: the same norms, written out or as one node, as the options say; a row for each ---- */
ek_status eki_convert_forms(eki_converter *c);
/* When all graphs are done: declares the opset, and says of norms that are in the form already that they are. */
ek_status eki_convert_forms_end(eki_converter *c, size_t rows_before);

/* ---- untie.c: tensors that several parameters read become one each; a row for each that is new ---- */
ek_status eki_convert_untie(eki_converter *c, eki_places *places);

/* ---- repair.c ---- */
/* Mode, momentum and variance of a batch norm as the options say. */
ek_status eki_repair_norm(eki_converter *c, eki_node *node, const ek_model_norm *info);

#endif
