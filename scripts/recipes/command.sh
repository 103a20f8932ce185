# A command: hello.
title="a command"
targets="evenkeel_tool"

plant() {
    sed 's/version_options/hello_options/g; s/run_version/run_hello/g; s/command_version/command_hello/g; s/"version"/"hello"/g; s/evenkeel version/evenkeel hello/g; s/Show the version/Say hello/' \
        apps/evenkeel/cmd_version.c >apps/evenkeel/cmd_hello.c
    after apps/evenkeel/commands.h 'ROW(env)' '    ROW(hello) \\'
    cat >tests/cli/cases/hello.sh <<'END'
# A command of a recipe: help, a run, JSON, a bad argument.
evenkeel hello --help > help
contains help "Say hello"
evenkeel hello > out
evenkeel hello --json > json
contains json '"hello"'
expect 2 evenkeel hello --nothing 2> message
contains message "unknown option"
END
}

check() {
    quietly bash tests/cli/run.sh "$build/evenkeel" hello
}
