# What an earlier run left must not be taken for what this one writes. The stamp tells files elsewhere by their time.
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})
file(TOUCH ${FOLDER}/stamp)
