#!/usr/bin/env bash
# consumers.sh WAY CC SOURCE BUILD WORK: the examples, built and run the way a stranger would.
#   WAY pkgconfig   against the norm library installed from BUILD into an empty folder that is then moved
#       cmake       the same with find_package(evenkeel COMPONENTS norm), static and shared
#       vendored    with the folder that scripts/vendor.sh makes, by CMake
#       make        the same by its Makefile fragment
#       engine      a program of its own against the installed engine, with pkg-config and find_package; the program, its
#                   man pages and completions; and what `--target uninstall` does leaves nothing of it
# and what docs/embedding.md shows for a way, as it stands.
set -euo pipefail
way=$1 cc=$2 source=$3 build=$4 work=$5/$1
rm -rf "$work"
mkdir -p "$work"
export CC=$cc
install() { # options
    cmake --install "$build" --prefix "$work/first" "$@" >/dev/null
    mv "$work/first" "$work/prefix"
    PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name evenkeel-norm.pc)")
    export PKG_CONFIG_PATH
}
vendor() { # what is tested is the folder, not how fast its kernels are
    "$source/scripts/vendor.sh" "$work/evenkeel" >/dev/null
    sed -i 's/-O3/-O1 -DEK_KERNELS_CHECKED=1/' "$work/evenkeel/evenkeel.mk" "$work/evenkeel/cmake/EvenkeelKernels.cmake"
}
names=$(cd "$source/examples" && ls ./*.c | grep -v train_any | sed 's/.c$//') # which is of the engine
run_all() { # folder
    for name in $names; do "$1/$name" >"$work/$name.out" || { echo "$name failed" >&2; cat "$work/$name.out"; exit 1; }; done
}

# README's program as app.c, and the blocks of docs/embedding.md as NNN.LANGUAGE, in the folder page. What they build must
# print what README says.
page() {
    mkdir -p "$work/page/readme"
    awk -v folder="$work/page/readme" -f "$source/tests/guide/blocks.awk" "$source/README.md"
    awk -v folder="$work/page" -f "$source/tests/guide/blocks.awk" "$source/docs/embedding.md"
    mv "$work"/page/readme/*.c "$work/page/app.c"
    mv "$work"/page/readme/*.text "$work/page/expected"
    cd "$work/page"
}

case $way in
pkgconfig)
    install --component norm
    lib=$(pkg-config --variable=libdir evenkeel-norm)
    "$source/tests/api/symbols.sh" "$work/prefix/include" "$lib/libevenkeel_norm.a" "$lib/libevenkeel_norm.so"
    for name in $names; do
        # shellcheck disable=SC2046
        $cc -std=c11 -Wall -Wextra -Werror -pthread "$source/examples/$name.c" -o "$work/$name" \
            $(pkg-config --cflags --libs evenkeel-norm) -lm
        # shellcheck disable=SC2046
        $cc -std=c11 -pthread "$source/examples/$name.c" -o "$work/$name.static" $(pkg-config --cflags evenkeel-norm) \
            "$lib/libevenkeel_norm.a" $(pkg-config --static --libs-only-l evenkeel-norm | sed 's/-levenkeel_norm//')
        "$work/$name.static" >/dev/null
    done
    LD_LIBRARY_PATH=$lib run_all "$work"
    page
    ln -s "$work/prefix" ek
    sed 1d 001.sh | HOME=$PWD bash -eu # the first line builds and installs
    ./a.out | cmp - expected
    ;;
cmake)
    install --component norm
    cmake -S "$source/tests/api/consumer" -B "$work/build" -DEXAMPLES="$source/examples" \
        -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
    cmake --build "$work/build" >/dev/null
    run_all "$work/build"
    page
    { printf 'cmake_minimum_required(VERSION 3.20)\nproject(app C)\nadd_executable(app app.c)\n'; cat 002.cmake; } >CMakeLists.txt
    cmake -B app -DCMAKE_PREFIX_PATH="$work/prefix" . >/dev/null
    cmake --build app >/dev/null
    app/app | cmp - expected
    ;;
vendored)
    vendor
    cmake -S "$source/tests/api/consumer" -B "$work/build" -DEXAMPLES="$source/examples" -DVENDORED="$work/evenkeel" \
        >/dev/null
    cmake --build "$work/build" >/dev/null
    run_all "$work/build"
    ;;
make)
    vendor
    {
        echo 'include evenkeel/evenkeel.mk' # first, and still not the default goal
        echo "all: $(for name in $names; do printf '%s ' "${name#./}"; done)"
        printf '%%: %s/examples/%%.c $(EVENKEEL_LIB)\n' "$source"
        printf '\t$(CC) -std=c11 $(EVENKEEL_CFLAGS) -pthread $< -o $@ $(EVENKEEL_LIB) $(EVENKEEL_LIBS)\n'
    } >"$work/Makefile"
    make -s -C "$work"
    run_all "$work"
    page
    mkdir third_party
    ln -s "$work/evenkeel" third_party/evenkeel
    make -s -f 004.make EVENKEEL_BUILD="$work/build/evenkeel" CC="$cc" app
    ./app | cmp - expected
    ;;
engine)
    install
    lib=$(pkg-config --variable=libdir evenkeel)
    # shellcheck disable=SC2046
    $cc -std=c11 -Wall -Wextra -Werror "$source/tests/api/consumer/engine.c" -o "$work/engine" \
        $(pkg-config --cflags --libs evenkeel)
    # shellcheck disable=SC2046
    $cc -std=c11 "$source/tests/api/consumer/engine.c" -o "$work/engine.static" $(pkg-config --cflags evenkeel) \
        "$lib/libevenkeel.a" $(pkg-config --static --libs evenkeel | sed 's/-levenkeel //')
    cmake -S "$source/tests/api/consumer" -B "$work/build" -DENGINE=ON -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
    cmake --build "$work/build" >/dev/null
    LD_LIBRARY_PATH=$lib "$work/engine" >/dev/null
    "$work/engine.static" >/dev/null
    "$work/build/engine" >/dev/null
    "$work/prefix/bin/evenkeel" models >/dev/null
    grep -q 'TH EVENKEEL-train 1' "$work/prefix/share/man/man1/evenkeel-train.1"
    (cd "$work/prefix/share" && ls zsh/site-functions/_evenkeel fish/vendor_completions.d/evenkeel.fish \
        bash-completion/completions/evenkeel man/man1/evenkeel-version.1) >/dev/null
    # The list of files in a folder of its own: other tests install parts from BUILD meanwhile.
    mkdir "$work/list"
    cp "$build/install_manifest.txt" "$work/list/"
    mv "$work/prefix" "$work/first"
    cmake -DBUILD="$work/list" -P "$source/cmake/uninstall.cmake" >/dev/null
    left=$(find "$work/first" ! -type d)
    [ -z "$left" ] || { echo "left after uninstall: $left" >&2; exit 1; }
    ! cmake -DBUILD="$work/list" -P "$source/cmake/uninstall.cmake" >/dev/null 2>&1 || { echo "uninstalls twice" >&2; exit 1; }
    names="the engine"
    ;;
*) echo "consumers: unknown way $way" >&2; exit 2 ;;
esac
echo "consumers: $way: built and ran $(echo "$names" | xargs)"
