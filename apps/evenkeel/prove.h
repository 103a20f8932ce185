/* prove.h: the options of a proof, and how its result is shown. */
#ifndef EK_TOOL_PROVE_H
#define EK_TOOL_PROVE_H

#include "command.h"
#include "report/json_out.h"

#include <evenkeel/surgery.h>

/* Reads --tolerance, --runs, --seed, --input-size, --threads, --input-shape and --check-input, and proves.
 * EK_ERR_ARG, EK_ERR_IO and EK_ERR_FORMAT name the option. */
EK_NODISCARD ek_status prove(const arguments *args, ek_model *before, ek_model *after, int timed, ek_proof **proof,
                             ek_error *err);
/* "proved on 3 regions; the whole model was not run: no LSTM here", and what was measured. */
void prove_text(const arguments *args, const ek_proof *proof);
void prove_json(const ek_proof *proof, eki_json *json);
/* Why nothing is written: EK_ERR_CHECK. `did` is "folded". */
EK_NODISCARD ek_status prove_refuse(const ek_proof *proof, const char *did, ek_error *err);

#endif
