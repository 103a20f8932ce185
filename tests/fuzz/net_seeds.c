/* net_seeds.c: see net_seeds.h. */
#include "net_seeds.h"

#include "../surgery/random_net.h"
#include "base/file.h"

#include <stdio.h>
#include <unistd.h>

void net_seed(ek_model *model, fuzz_each *each, void *context) {
    static ek_error err;
    char path[64];
    eki_map map;
    (void)snprintf(path, sizeof path, "/dev/shm/ek-fuzz-seed-%ld.onnx", (long)getpid());
    if (ek_model_save(model, path, NULL, &err) != EK_OK || eki_map_open(path, &map, &err) != EK_OK)
        fuzz_stop(path, &err);
    ek_model_destroy(model);
    (void)unlink(path);
    each(context, map.data, map.size);
    eki_map_close(&map);
}

void random_net_seeds(uint64_t count, fuzz_each *each, void *context) {
    for (uint64_t i = 1; i <= count; i++) net_seed(random_net(i), each, context);
}
