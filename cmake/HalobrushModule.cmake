# halobrush_module(<name> SOURCES ... [PUBLIC ...] [PRIVATE ...]): the library of one module.
# PUBLIC: what its headers expose; PRIVATE: what stays behind it.
add_library(halobrush_flags INTERFACE)
target_include_directories(halobrush_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
# __FILE__ is the path within the checkout: an installed program must not name the folder that it was built in.
target_compile_options(halobrush_flags INTERFACE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
# Fused multiply-adds would be chosen differently from one compiler to the next: bits of a mock must not depend on that.
target_compile_options(halobrush_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -ffp-contract=off -fno-semantic-interposition
                       $<$<BOOL:${HALOBRUSH_WARNINGS_AS_ERRORS}>:-Werror>)

function(halobrush_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(halobrush_${name} STATIC ${arg_SOURCES})
  target_link_libraries(halobrush_${name} PUBLIC halobrush_flags ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
endfunction()
