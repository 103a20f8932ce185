evenkeel convert --help
