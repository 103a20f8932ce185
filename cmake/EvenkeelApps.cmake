# The apps: what is built upon the library and sees its public headers only. apps/NAME is the object library ek_NAME,
# linked into the program and into its tests.
function(ek_app name)
  add_library(ek_${name} OBJECT ${ARGN})
  ek_room(${name} ek_${name})
  ek_compile_settings(ek_${name} ROOTS apps)
endfunction()

# ek_embed(FILE.c HEADER NAME files... [NAME files...]): files that become C arrays when the program is built, several to
# an array, in the order listed. A NAME ends in _css, _js or _py.
function(ek_embed output header)
  set(arrays "")
  set(files "")
  foreach(word ${ARGN})
    if(word MATCHES "_(css|js|py)$")
      list(APPEND arrays ${word})
      set(name ${word})
    else()
      list(APPEND files_${name} ${word})
      list(APPEND files ${word})
    endif()
  endforeach()
  set(given "")
  foreach(name ${arrays})
    list(JOIN files_${name} "," joined)
    list(APPEND given "-DFILES_${name}=${joined}")
  endforeach()
  list(JOIN arrays "," arrays)
  set(script ${PROJECT_SOURCE_DIR}/apps/report/embed.cmake)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DHEADER=${header} -DARRAYS=${arrays} ${given} -P ${script}
    DEPENDS ${files} ${script} VERBATIM)
endfunction()

# ek_listed(VARIABLE FOLDER EXTENSION names...): FOLDER/NAME.EXTENSION for each.
function(ek_listed variable folder extension)
  set(files ${ARGN})
  list(TRANSFORM files REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/apps/${folder}/\\1.${extension}")
  set(${variable} ${files} PARENT_SCOPE)
endfunction()

# report: JSON, and what the pages of study and inspect share.
set(EK_REPORT_STYLE ${CMAKE_BINARY_DIR}/generated/report/style.c)
ek_listed(styles report/style css base top table chart narrow print)
ek_embed(${EK_REPORT_STYLE} report/html_out.h eki_page_css ${styles})
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/report/*.c)
ek_app(report ${sources} ${EK_REPORT_STYLE})

# bench: norms beside oneDNN's; the only app that links it.
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/bench/*.c)
ek_app(bench ${sources})
target_include_directories(ek_bench SYSTEM PRIVATE ${EK_DNNL_INCLUDE})
if(OpenMP_C_FOUND)
  target_link_libraries(ek_bench PRIVATE OpenMP::OpenMP_C)
endif()

# web: the laboratory of the study's page
include(cmake/EvenkeelLive.cmake)

# study
set(EK_STUDY_FOLDER ${PROJECT_SOURCE_DIR}/apps/study/page)
set(EK_STUDY_PAGE ${CMAKE_BINARY_DIR}/generated/study/page_files.c)
ek_listed(styles study/page/style css top card evidence chart choices handout narrow print)
ek_listed(scripts study/page/script js begin fold view choices chart example end)
list(APPEND styles ${PROJECT_SOURCE_DIR}/apps/web/live/live.css)
ek_embed(${EK_STUDY_PAGE} study/page/page.h eks_page_css ${styles} eks_page_js ${scripts})
set(EK_STUDY_LIVE ${CMAKE_BINARY_DIR}/generated/study/live_files.c)
ek_listed(scripts web/live js begin engine kit chart bits rate light mates chase turn end)
ek_embed(${EK_STUDY_LIVE} study/page/page_live.h eks_live_js ${scripts} eks_live_module_js ${EK_LIVE_MODULE})
set(EK_STUDY_SNIPPETS ${CMAKE_BINARY_DIR}/generated/study/snippet_files.c)
file(GLOB snippets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/study/torch/card*.py)
ek_embed(${EK_STUDY_SNIPPETS} study/card.h eks_snippets_py ${snippets})
file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/study/*.c ${EK_STUDY_FOLDER}/*.c)
ek_app(study ${sources} ${EK_STUDY_PAGE} ${EK_STUDY_LIVE} ${EK_STUDY_SNIPPETS})
find_package(PkgConfig REQUIRED)
pkg_check_modules(EK_JANSSON REQUIRED IMPORTED_TARGET jansson) # reads results back: study --verify, and going on
target_link_libraries(ek_study PRIVATE PkgConfig::EK_JANSSON)
# Designs are tables of constants in which most members of an endpoint or arm are zero and left out, on purpose.
set(EK_STUDY_TABLES -Wno-missing-field-initializers)
target_compile_options(ek_study PRIVATE ${EK_STUDY_TABLES})

# The program.
file(GLOB EK_TOOL_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/apps/evenkeel/*.c)
if(EK_TOOL_SOURCES)
  ek_objects(objects study report bench web)
  set(EK_TOOL_STYLE ${CMAKE_BINARY_DIR}/generated/evenkeel/style.c)
  ek_listed(styles evenkeel/style css inspect)
  ek_embed(${EK_TOOL_STYLE} evenkeel/inspect_page.h inspect_css ${styles})
  set(EK_TRAIN_STYLE ${CMAKE_BINARY_DIR}/generated/evenkeel/train_style.c)
  ek_listed(styles evenkeel/style css inspect train)
  ek_embed(${EK_TRAIN_STYLE} evenkeel/train_page.h train_css ${styles})
  add_executable(evenkeel_tool ${EK_TOOL_SOURCES} ${EK_TOOL_STYLE} ${EK_TRAIN_STYLE} ${objects})
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
