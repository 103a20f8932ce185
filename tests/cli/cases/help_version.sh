evenkeel version --help
