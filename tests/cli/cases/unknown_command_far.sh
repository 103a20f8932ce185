evenkeel zzzzzz
