evenkeel diff --help
