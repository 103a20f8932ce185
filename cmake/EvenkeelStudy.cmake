# The study (src/study) as the object library ek_study, linked into the program and into its tests. The style sheets and
# scripts of the page are real files; they become C arrays here, at build time, in the order listed.
set(EK_STUDY_FOLDER ${PROJECT_SOURCE_DIR}/src/study/page)
set(EK_STUDY_PAGE ${CMAKE_BINARY_DIR}/generated/study/page_files.c)
set(EK_STUDY_STYLES base top card evidence chart choices narrow print)
set(EK_STUDY_SCRIPTS begin view choices chart example end)
list(TRANSFORM EK_STUDY_STYLES REPLACE "(.+)" "style/\\1.css")
list(TRANSFORM EK_STUDY_SCRIPTS REPLACE "(.+)" "script/\\1.js")
set(EK_STUDY_FILES ${EK_STUDY_STYLES} ${EK_STUDY_SCRIPTS})
list(TRANSFORM EK_STUDY_FILES PREPEND ${EK_STUDY_FOLDER}/)
add_custom_command(
  OUTPUT ${EK_STUDY_PAGE}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${EK_STUDY_PAGE} -DFOLDER=${EK_STUDY_FOLDER} "-DNAMES_css=${EK_STUDY_STYLES}"
          "-DNAMES_js=${EK_STUDY_SCRIPTS}" -P ${EK_STUDY_FOLDER}/embed.cmake
  DEPENDS ${EK_STUDY_FILES} ${EK_STUDY_FOLDER}/embed.cmake VERBATIM)

file(GLOB EK_STUDY_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/study/*.c ${PROJECT_SOURCE_DIR}/src/study/page/*.c)
add_library(ek_study OBJECT ${EK_STUDY_SOURCES} ${EK_STUDY_PAGE})
find_package(PkgConfig REQUIRED)
pkg_check_modules(EK_JANSSON REQUIRED IMPORTED_TARGET jansson) # reads results back: study --verify, and going on
target_link_libraries(ek_study PRIVATE PkgConfig::EK_JANSSON)
ek_compile_settings(ek_study)
# Designs are tables of constants in which most members of an endpoint or arm are zero and left out, on purpose.
set(EK_STUDY_TABLES -Wno-missing-field-initializers)
target_compile_options(ek_study PRIVATE ${EK_STUDY_TABLES})
target_include_directories(ek_study PRIVATE ${PROJECT_SOURCE_DIR}/src)
