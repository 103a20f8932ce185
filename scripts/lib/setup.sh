# setup.sh: sourced by the other scripts. Installs Debian packages that are missing; needs root or sudo only then.

say() { printf '\n== %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "missing packages, and neither root nor sudo to install them: $*" >&2
        return 1
    fi
}

has_package() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

need_packages() {
    missing=
    for package in "$@"; do has_package "$package" || missing="$missing $package"; done
    [ -n "$missing" ] || return 0
    say "installing:$missing"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# A command, from a package only when the machine does not have it from elsewhere.
need_command() { command -v "$1" >/dev/null 2>&1 || need_packages "$2"; }

need_build_tools() {
    need_packages gcc libc6-dev pkg-config libdnnl-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev zlib1g-dev \
        libpng-dev libturbojpeg0-dev libwebp-dev libjansson-dev
    need_command cmake cmake
    need_command ninja ninja-build
}

# Runs a command and shows its last line, or, when it fails, what it said.
quietly() {
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        tail -n 1 "$log"
        rm -f "$log"
    else
        tail -n 80 "$log" >&2
        rm -f "$log"
        return 1
    fi
}

# build CMAKE-BUILD-ARGUMENTS: a build and its progress: ninja's own status line on a terminal, else a line every 20
# seconds. Where it fails, the end of what the compilers said. For bash with pipefail.
build() {
    export NINJA_STATUS='[%f/%t, %e s] '
    [ ! -t 1 ] || { cmake --build "$@"; return; }
    local log last='' due=$SECONDS
    log=$(mktemp)
    if cmake --build "$@" 2>&1 | tee "$log" | while IFS= read -r last; do
        [[ $last == '['*/*' s] '* && $SECONDS -ge $due ]] || continue
        due=$((SECONDS + 20))
        echo "${last%%]*}]"
    done; then
        tail -n 1 "$log" | cut -c 1-100
        rm -f "$log"
    else
        { sed -n '/^FAILED/,$p' "$log" | grep . || cat "$log"; } | tail -n 80 >&2
        rm -f "$log"
        return 1
    fi
}
