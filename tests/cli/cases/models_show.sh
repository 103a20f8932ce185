evenkeel models cnn6 > a
contains a "input "
contains a "?x3x32x32"
evenkeel models cnn6 --json > b
contains b '"tensors": ['
evenkeel models cnn6 --json --norm none > c
contains c '"norms": 0'
evenkeel models --json > d
contains d '"name": "cnn6"'
