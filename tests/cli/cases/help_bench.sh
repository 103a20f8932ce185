evenkeel bench --help
