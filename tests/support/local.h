/* local.h: a transport whose ranks are threads of one process. */
#ifndef EKI_TEST_LOCAL_H
#define EKI_TEST_LOCAL_H

#include "dist/transport.h"

typedef struct eki_local eki_local;
ek_status eki_local_create(int size, eki_local **world, ek_error *err);
void eki_local_destroy(eki_local *world);
ek_status eki_local_join(eki_local *world, int rank, eki_transport **transport, ek_error *err);

#endif
