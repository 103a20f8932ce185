evenkeel run --help
