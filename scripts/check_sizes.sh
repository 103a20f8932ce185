#!/bin/sh
# check_sizes.sh [FILE...]: refuses sizes that may wrap. In src, memory is given by src/base/memory.h alone, whose
# allocators take sizes that its helpers multiply; so a product may stand neither in the arguments of one nor where the
# variable that is given gets its value. In apps, which see public headers only, calloc multiplies. A product of constants
# and sizeof is none, nor is one in a test. Default: all sources of src and apps.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(find src apps -name '*.[ch]' -not -path 'src/kernel/*')
awk -f scripts/lib/sizes.awk "$@" >&2 || exit 1
echo "sizes: no allocation multiplies by itself"
