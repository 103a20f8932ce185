# find_package(evenkeel COMPONENTS norm): the target evenkeel::norm (and evenkeel::norm_static beside a shared one).
# find_package(evenkeel COMPONENTS engine): the target evenkeel::evenkeel, which contains the norms.
# Without COMPONENTS: whatever is installed.
set(evenkeel_wanted ${evenkeel_FIND_COMPONENTS})
if(NOT evenkeel_wanted)
  set(evenkeel_wanted norm engine)
  set(evenkeel_FIND_REQUIRED_norm TRUE)
endif()
foreach(evenkeel_component IN LISTS evenkeel_wanted)
  include(${CMAKE_CURRENT_LIST_DIR}/evenkeel_${evenkeel_component}Targets.cmake OPTIONAL
          RESULT_VARIABLE evenkeel_${evenkeel_component}_FOUND)
  if(evenkeel_FIND_REQUIRED_${evenkeel_component} AND NOT evenkeel_${evenkeel_component}_FOUND)
    set(evenkeel_FOUND FALSE)
    set(evenkeel_NOT_FOUND_MESSAGE "evenkeel has no component \"${evenkeel_component}\" here; there are norm and engine")
  endif()
endforeach()
