evenkeel --version
