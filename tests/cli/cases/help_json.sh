for command in train eval run models env study help completion version; do
    evenkeel $command --help --json > $command.json
    contains $command.json "\"command\": \"$command\""
    contains $command.json '"options": ['
    contains $command.json '"name": "json"'
done
contains train.json '"choices": ['
contains train.json '"default": "64"'
lacks study.json sabotage
