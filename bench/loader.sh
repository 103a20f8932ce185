#!/bin/bash
# loader.sh BUILD: whether data hold training up. BUILD is a build folder (build/release). Makes a folder of COUNT (1000) JPEG
# files of 224x224, some 18 KB each, and the array of their pixels, and times in turns, ROUNDS (7) of them: batches of
# 64 decoded by one thread and by two, without training; then, for each of MODELS ("NAME:SIDE:BATCH:BATCHES", images being
# resized to SIDE), training alone on the array, on the files with every image decoded for each batch, and on the files
# once they are kept. Prints images a second (medians) and the ratios, with the 95 % interval. Wants a machine that does nothing else.
set -euo pipefail
build=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
. "$here/ratios.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000} # as evenkeel sets it on a busy machine

"${CC:-cc}" -O2 -I"$here/../include" "$here/loader_speed.c" -o "$folder/speed" "$build/libevenkeel.a" -lturbojpeg -ldnnl \
    -lprotobuf-c -lpng -lwebp -lz -lm -fopenmp
speed() { "$folder/speed" "$@"; }
speed make "$folder" "${COUNT:-1000}" 224

decoding() { speed run "$folder/jpeg" 0 "$1" 0 64 "${BATCHES:-28}"; }
training() { # array, decoded or kept
    case $1 in
    array) speed run "$folder/x.npy,$folder/y.npy" "$side" 0 1 "$batch" "$batches" "$model" ;;
    decoded) speed run "$folder/jpeg" "$side" 2 0 "$batch" "$batches" "$model" ;;
    kept) speed run "$folder/jpeg" "$side" 2 1 "$batch" "$batches" "$model" ;;
    esac
}
# rounds COMMAND WAY...: in turns, a column of $folder/WAY each
rounds() {
    local command=$1 way round
    shift
    local ways=("$@")
    for way in "$@"; do : >"$folder/$way"; done
    for round in $(seq "${ROUNDS:-7}"); do # each round begins with another
        for ((way = 0; way < $#; way++)); do
            local now=${ways[(way + round) % $#]}
            "$command" "$now" >>"$folder/$now"
        done
    done
}
over() { paste "$folder/$1" "$folder/$2" | awk '{ print $1 / $2 }' | median; }

rounds decoding 1 2
printf 'decoding alone: 1 thread %s images/s\n' "$(median <"$folder/1")"
printf '               2 threads %s; ratio %s\n' "$(median <"$folder/2")" "$(over 2 1)"
for entry in ${MODELS:-lenet:32:64:60 cnn6:64:64:20 resnet20:224:16:6}; do
    IFS=: read -r model side batch batches <<<"$entry"
    rounds training array decoded kept
    printf '%s %sx%s: array %s images/s\n' "$model" "$side" "$side" "$(median <"$folder/array")"
    printf '    files, each decoded: %s; over array %s\n' "$(median <"$folder/decoded")" "$(over decoded array)"
    printf '    files, kept:         %s; over array %s\n' "$(median <"$folder/kept")" "$(over kept array)"
done
