/* module.c: finding the module of the MPI that started this process.
 *
 * MPI implementations differ in their binary interface, so that each has a module of its own, loaded only under its own
 * launcher: evenkeel itself needs no MPI. Looked for in EVENKEEL_MPI (a file), beside the program, in ../lib/evenkeel
 * from there, and where `cmake --install` puts it.
 */
#include "dist/transport.h"

#include "base/memory.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef EK_MODULE_DIR
#define EK_MODULE_DIR "/usr/local/lib/evenkeel"
#endif

/* MiB of address space. Measured, libraries, threads and the first messages included: 212 (Open MPI 4.1), 112
 * (MPICH 4.0). */
enum { OPEN_MPI_TAKES = 288, MPICH_TAKES = 160 };

const char *eki_launcher(void) {
    if (getenv("OMPI_COMM_WORLD_SIZE") != NULL) return "openmpi";
    if (getenv("PMI_RANK") != NULL || getenv("PMI_SIZE") != NULL) return "mpich";
    return NULL;
}

/* The folder of the running program. */
static bool program_folder(char folder[PATH_MAX]) {
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (length <= 0) return false;
    folder[length] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash == NULL) return false;
    *slash = '\0';
    return true;
}

static void *try_open(const char *folder, const char *below, const char *flavour) {
    char path[PATH_MAX + 128];
    (void)snprintf(path, sizeof path, "%s%s/evenkeel_mpi_%s.so", folder, below, flavour);
    if (access(path, R_OK) != 0) return NULL;
    return dlopen(path, RTLD_NOW | RTLD_GLOBAL);
}

static void *open_module(const char *flavour, ek_error *err) {
    char folder[PATH_MAX];
    const char *chosen = getenv("EVENKEEL_MPI");
    void *module = NULL;
    if (chosen != NULL && chosen[0] != '\0') {
        module = dlopen(chosen, RTLD_NOW | RTLD_GLOBAL);
        if (module == NULL) (void)eki_fail(err, EK_ERR_UNSUPPORTED, "EVENKEEL_MPI=%s: %s", chosen, dlerror());
        return module;
    }
    (void)dlerror();
    if (program_folder(folder)) {
        module = try_open(folder, "", flavour);
        if (module == NULL) module = try_open(folder, "/../lib/evenkeel", flavour);
    }
    if (module == NULL) module = try_open(EK_MODULE_DIR, "", flavour);
    if (module != NULL) return module;
    const char *why = dlerror();
    bool open_mpi = strcmp(flavour, "openmpi") == 0;
    (void)eki_fail(err, EK_ERR_UNSUPPORTED,
                   "mpirun of %s started this process, but there is no evenkeel_mpi_%s.so that loads beside the "
                   "program or in %s%s%s; install %s and build evenkeel again, or name the module in EVENKEEL_MPI",
                   open_mpi ? "Open MPI" : "MPICH", flavour, EK_MODULE_DIR, why != NULL ? ": " : "",
                   why != NULL ? why : "", open_mpi ? "libopenmpi-dev" : "libmpich-dev");
    return NULL;
}

/* MPI does not look whether it was given the memory that it asks for, and ends the process, or all, where there is
 * none. */
static ek_status ask_room(const char *flavour, ek_error *err) {
    bool open_mpi = strcmp(flavour, "openmpi") == 0;
    unsigned mebibytes = open_mpi ? OPEN_MPI_TAKES : MPICH_TAKES;
    if (eki_headroom(mebibytes, err) == EK_OK) return EK_OK;
    return eki_fail(err, EK_ERR_NOMEM,
                    "out of memory: %s takes %u MiB of address space to start, which this process cannot have; "
                    "give it more (ulimit -v)",
                    open_mpi ? "Open MPI" : "MPICH", mebibytes);
}

ek_status eki_module_open(const char *flavour, eki_transport **transport, ek_error *err) {
    *transport = NULL;
    EKI_TRY(ask_room(flavour, err));
    void *module = open_module(flavour, err);
    if (module == NULL) return EK_ERR_UNSUPPORTED;
    eki_transport_open_fn open = NULL;
    void *symbol = dlsym(module, EKI_TRANSPORT_SYMBOL);
    memcpy(&open, &symbol, sizeof open); /* ISO C has no cast from object to function pointers */
    if (open == NULL) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "the MPI module for %s is of another evenkeel: it has no %s", flavour,
                        EKI_TRANSPORT_SYMBOL);
    }
    return open(transport, err);
}
