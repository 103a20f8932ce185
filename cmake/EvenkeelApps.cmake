# The apps: what is built upon the library and sees its public headers only. apps/NAME is the object library ek_NAME,
# linked into the program and into its tests.
function(ek_app name)
  add_library(ek_${name} OBJECT ${ARGN})
  ek_room(${name} ek_${name})
  ek_compile_settings(ek_${name} ROOTS apps)
endfunction()

# report: the JSON emitter that the program and the study share.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/report/*.c)
ek_app(report ${sources})

# bench: norms beside oneDNN's; the only app that links it.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/bench/*.c)
ek_app(bench ${sources})
target_include_directories(ek_bench SYSTEM PRIVATE ${EK_DNNL_INCLUDE})
if(OpenMP_C_FOUND)
  target_link_libraries(ek_bench PRIVATE OpenMP::OpenMP_C)
endif()

# study. The style sheets and scripts of the page are real files; they become C arrays here, at build time, in the order
# listed.
set(EK_STUDY_FOLDER ${PROJECT_SOURCE_DIR}/apps/study/page)
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

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/study/*.c ${EK_STUDY_FOLDER}/*.c)
ek_app(study ${sources} ${EK_STUDY_PAGE})
find_package(PkgConfig REQUIRED)
pkg_check_modules(EK_JANSSON REQUIRED IMPORTED_TARGET jansson) # reads results back: study --verify, and going on
target_link_libraries(ek_study PRIVATE PkgConfig::EK_JANSSON)
# Designs are tables of constants in which most members of an endpoint or arm are zero and left out, on purpose.
set(EK_STUDY_TABLES -Wno-missing-field-initializers)
target_compile_options(ek_study PRIVATE ${EK_STUDY_TABLES})

# The program.
file(GLOB EK_TOOL_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/evenkeel/*.c)
if(EK_TOOL_SOURCES)
  ek_objects(objects study report bench)
  add_executable(evenkeel_tool ${EK_TOOL_SOURCES} ${objects})
  ek_room(evenkeel evenkeel_tool)
  set_target_properties(evenkeel_tool PROPERTIES OUTPUT_NAME evenkeel)
  ek_compile_settings(evenkeel_tool ROOTS apps)
  target_link_libraries(evenkeel_tool PRIVATE evenkeel PkgConfig::EK_JANSSON ${EK_DNNL_LIBRARY})
  if(OpenMP_C_FOUND)
    target_link_libraries(evenkeel_tool PRIVATE OpenMP::OpenMP_C)
  endif()
endif()

# Images to try the commands of README and docs/guide on; not installed.
add_executable(samples ${PROJECT_SOURCE_DIR}/apps/samples/samples.c)
ek_room(samples samples)
ek_compile_settings(samples ROOTS apps)
target_link_libraries(samples PRIVATE evenkeel PNG::PNG)
