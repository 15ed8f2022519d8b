# cmake --build build/release --target docs: pages of the public headers in build/release/docs/html.
find_program(HALOBRUSH_DOXYGEN doxygen)
if(HALOBRUSH_DOXYGEN)
  add_custom_target(docs COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/docs
                    COMMAND ${CMAKE_COMMAND} -E env DOCS_FOLDER=${PROJECT_BINARY_DIR}/docs ${HALOBRUSH_DOXYGEN} docs/Doxyfile
                    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} COMMENT "Pages of the public headers: ${PROJECT_BINARY_DIR}/docs/html/index.html")
endif()
