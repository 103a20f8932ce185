# lib.sh: sourced by the scripts of this folder. Which MPIs there are, and how to start ranks.
# BUILD: the build folder. EK_MPI_TEST: the flavours to test ("openmpi mpich"); default: those with a module.

export OMP_WAIT_POLICY=passive
# Run as root in a container, with more ranks than processors, and without a network: all of it is fine for a test.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_vader_single_copy_mechanism=none

launcher() { # flavour
    command -v "mpirun.$1" 2>/dev/null || { [ "$1" = openmpi ] && mpirun --version 2>/dev/null | grep -q 'Open MPI' &&
        command -v mpirun; } || { [ "$1" = mpich ] && mpirun --version 2>/dev/null | grep -q HYDRA && command -v mpirun; }
}

# The flavours that have both a launcher and a module. In CI there must be one at least.
flavours() {
    found=
    for flavour in ${EK_MPI_TEST:-openmpi mpich}; do
        if [ -e "$BUILD/evenkeel_mpi_$flavour.so" ] && [ -n "$(launcher "$flavour")" ]; then found="$found $flavour"; fi
    done
    echo "$found"
}

# Ends the script with ctest's status for a test that is skipped (77), or with a failure in CI.
need_mpi() {
    [ -z "$(flavours)" ] || return 0
    echo "skipped: no MPI here (Debian: libopenmpi-dev openmpi-bin, libmpich-dev mpich)"
    if [ -n "${CI:-}" ]; then exit 1; fi
    exit 77
}

ranks() { # flavour, number of ranks, command...
    with=$(launcher "$1") count=$2
    shift 2
    "$with" -n "$count" "$@"
}
