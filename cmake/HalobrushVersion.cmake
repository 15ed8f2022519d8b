# HALOBRUSH_VERSION_STRING: git describe where there is a repository, else the project's version.
set(HALOBRUSH_VERSION_STRING ${PROJECT_VERSION})
find_package(Git QUIET)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --tags --always --dirty WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                  OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
  if(NOT failed)
    set(HALOBRUSH_VERSION_STRING "${PROJECT_VERSION}+${described}")
  endif()
endif()
