# Writes page.css and page.js as the C arrays eks_page_css and eks_page_js.
set(text "/* Made from page.css and page.js by embed.cmake. */\n#include \"study/write.h\"\n")
foreach(kind css js)
  file(READ ${FOLDER}/page.${kind} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n    " bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1', " bytes "${bytes}")
  string(APPEND text "\nconst char eks_page_${kind}[] = {\n    ${bytes}0};\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
