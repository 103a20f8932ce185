evenkeel --version > long
for form in version -v -V; do
    evenkeel $form > short
    same long short
done
evenkeel version --json > json
contains json '"version": "'
cat long
