evenkeel --help > a
evenkeel help > b
same a b
cat a
