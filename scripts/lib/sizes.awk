# sizes.awk: finds raw allocators, and products that become sizes, for check_sizes.sh.
function fail(text) {
    print "sizes: " FILENAME ":" FNR ": " text
    failed = 1
}

# Is a number multiplied by another in `text`? Casts, sizeof, pointers and constants aside.
function multiplies(text) {
    gsub(/"([^"\\]|\\.)*"/, "", text)
    gsub(/sizeof *\**\([^()]*\)(->[A-Za-z0-9_.]+)*|sizeof *\**[][A-Za-z0-9_.]+(->[][A-Za-z0-9_.]+)*/, "1", text)
    gsub(/\((const )?(unsigned )?(struct )?[a-z][a-z0-9_]* ?\**\)/, "", text)
    gsub(/[0-9A-Z_]+( \* [0-9A-Z_]+)+/, "1", text)
    return text ~ /[])A-Za-z0-9_] *(\*|<<) *[(A-Za-z0-9_]/
}

# The arguments of the call that `text` begins with, up to its closing parenthesis.
function arguments(text,    depth, i, c) {
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (c == "(") depth++
        if (c == ")" && --depth == 0) return substr(text, 2, i - 2)
    }
    return substr(text, 2)
}

# Each name in `text` that got its value from a product above, in the same function.
function made_of_product(text,    n, i, names) {
    n = split(text, names, /[^A-Za-z0-9_.>-]+/)
    for (i = 1; i <= n; i++) if (names[i] in product) return names[i]
    return ""
}

FNR == 1 { source = FILENAME ~ /(^|\/)src\//; home = FILENAME ~ /src\/base\/(memory|large)\.[ch]$/; held = "" }
/^[}]/ { split("", product) }
comment { if (/\*\//) comment = 0; next }
{ gsub(/\/\*[^*]*\*\//, ""); sub(/ +$/, "") }
/^ *\/\*/ { comment = 1; next }

# Statements may take several lines.
{ held = held " " $0 }
$0 !~ /[;{}]$/ { next }
{ statement = held; held = "" }

# Which names hold a product now.
{
    text = statement
    while (match(text, /[A-Za-z_][A-Za-z0-9_.>-]* [+*]?= /)) {
        name = substr(text, RSTART, RLENGTH)
        sub(/ .*/, "", name)
        text = substr(text, RSTART + RLENGTH)
        value = text
        sub(/;.*/, "", value)
        sub(/, \**[a-z_]+ = .*/, "", value)
        gsub(/eki_(sized|size_of|size_sum|mul_size|add_size)\(.*/, "", value)
        if (!multiplies(value)) delete product[name]
        else product[name] = 1
        if (name ~ /(scratch|saved)_bytes$/ && name in product) fail(name " is what a plan asks for: let eki_size_of multiply")
    }
}

!home {
    text = statement
    while (match(text, /(^|[^A-Za-z0-9_])(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strdup|strndup|eki_sized|eki_size_of|eki_calloc|eki_grow)\(/)) {
        call = substr(text, RSTART, RLENGTH - 1)
        sub(/^[^A-Za-z0-9_]/, "", call)
        text = substr(text, RSTART + RLENGTH - 1)
        given = arguments(text)
        if (source && call !~ /^eki_/) fail(call " is called; src/base/memory.h has allocators whose sizes cannot wrap")
        else if (multiplies(given)) fail(call "(" given ") multiplies; let " (source ? "eki_size_of" : "calloc") " multiply")
        else if ((name = made_of_product(given)) != "") fail(call "(" given "): " name " is a product")
    }
}

END { exit failed }
