# The study (src/study) as the object library ek_study, linked into the program and into its tests. page.css and page.js
# are real files; they become C arrays here, at build time.
set(EK_STUDY_PAGE ${CMAKE_BINARY_DIR}/generated/study/page_files.c)
set(EK_STUDY_FILES ${PROJECT_SOURCE_DIR}/src/study/page.css ${PROJECT_SOURCE_DIR}/src/study/page.js)
add_custom_command(
  OUTPUT ${EK_STUDY_PAGE}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${EK_STUDY_PAGE} -DFOLDER=${PROJECT_SOURCE_DIR}/src/study
          -P ${PROJECT_SOURCE_DIR}/src/study/embed.cmake
  DEPENDS ${EK_STUDY_FILES} ${PROJECT_SOURCE_DIR}/src/study/embed.cmake VERBATIM)

file(GLOB EK_STUDY_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/study/*.c)
add_library(ek_study OBJECT ${EK_STUDY_SOURCES} ${EK_STUDY_PAGE})
find_package(PkgConfig REQUIRED)
pkg_check_modules(EK_JANSSON REQUIRED IMPORTED_TARGET jansson) # reads results back: study --verify, and going on
target_link_libraries(ek_study PRIVATE PkgConfig::EK_JANSSON)
ek_compile_settings(ek_study)
target_include_directories(ek_study PRIVATE ${PROJECT_SOURCE_DIR}/src)
