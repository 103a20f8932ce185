#!/usr/bin/env bash
# vendor.sh DIR: copies the norm library into the new folder DIR, to be kept in another project's tree.
#   CMake:  add_subdirectory(DIR), then target_link_libraries(... evenkeel::norm)
#   make:   include DIR/evenkeel.mk, then link $(EVENKEEL_LIB) $(EVENKEEL_LIBS)
# docs/embedding.md says more. Run it again, with the folder removed, to update.
set -euo pipefail
target=${1:?usage: scripts/vendor.sh DIR}
[ ! -e "$target" ] || { echo "vendor: $target exists; remove it first" >&2; exit 1; }
mkdir -p "$target"
target=$(cd "$target" && pwd)
cd "$(dirname "$0")/.."

# The parts of src/base that a norm needs; the rest of that folder serves the engine.
base="cgroup error float_mode limit memory options random show team threads tree version"
headers=$(sed -nE 's/^set\(EK_NORM_HEADERS (.*)\)$/\1/p' cmake/EvenkeelInstall.cmake)

copy() { # files, to the same place below the target
    for file in "$@"; do
        mkdir -p "$target/$(dirname "$file")"
        cp "$file" "$target/$file"
    done
}
for name in $base; do
    for file in src/base/"$name".[ch]; do [ ! -e "$file" ] || copy "$file"; done
done
for name in $headers; do copy "include/evenkeel/$name.h"; done
copy LICENSE CMakeLists.txt src/cpu/*.[ch] src/norm/*.[ch] src/norm/*.def src/norm/variants/*.[ch] src/kernel/*.[ch] src/kernel/*.def src/kernel/simd/*.h $(ls src/kernel/hand/*/*.c 2>/dev/null || true)
copy cmake/EvenkeelLayer.cmake cmake/EvenkeelKernels.cmake cmake/EvenkeelInstall.cmake cmake/evenkeel.map cmake/package/*

# The flags of the instruction sets and the data types come from the rows that CMake reads, too.
flags=$(sed -nE 's/^ *set\(EK_ISA_FLAGS_([a-z0-9]+) "?([^")]*)"?\)$/ek_flags_\1 := \2/p' cmake/EvenkeelKernels.cmake)
types=$(sed -nE 's/^ *ROW\(with, ([a-z0-9]+),.*/\1/p' src/kernel/data_types.h | tr '\n' ' ')
flags=$flags types=$types awk '/^@ISA_FLAGS@$/ { print ENVIRON["flags"]; next }
    { sub(/@DATA_TYPES@/, ENVIRON["types"]); print }' scripts/lib/evenkeel.mk >"$target/evenkeel.mk"

version=$(sed -nE 's/^#define EK_VERSION_STRING "(.*)"$/\1/p' include/evenkeel/version.h)
cat >"$target/README.md" <<END
# Evenkeel $version, the norm library

Made by scripts/vendor.sh of Evenkeel$(git rev-parse --short HEAD 2>/dev/null | sed 's/^/, commit /'). Do not edit; make it anew to update. MIT licence (LICENSE).

CMake: \`add_subdirectory(this-folder)\`, link \`evenkeel::norm\`. make: \`include this-folder/evenkeel.mk\`, link
\`\$(EVENKEEL_LIB) \$(EVENKEEL_LIBS)\`. Headers: \`#include <evenkeel/norm.h>\`.
END
echo "vendor: $(find "$target" -type f | wc -l) files, $(du -sk "$target" | cut -f1) KB in $target"
