# halobrush_test(<name> SOURCES ... LINK ... [NP 1 2 3 4] [TIMEOUT s] [LABELS ...])
# A GoogleTest program; without NP it runs serially, with NP under mpirun once for each number of ranks.
# Zero executed tests, a failure on any rank and a hang (watchdog in tests/support/mpi_main.cpp) are failures.
find_package(GTest REQUIRED)

set(HALOBRUSH_TEST_ENVIRONMENT
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_mpi_yield_when_idle=1
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1)

function(halobrush_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINK;NP;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(test_${name} ${arg_SOURCES} $<TARGET_OBJECTS:test_main>)
  target_link_libraries(test_${name} PRIVATE ${arg_LINK} halobrush_mpi GTest::gtest)
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_options(test_${name} PRIVATE -O1)  # test code itself is not worth an optimiser's time
  target_compile_definitions(test_${name} PRIVATE HALOBRUSH_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  set(names)
  if(arg_NP)
    foreach(np ${arg_NP})
      add_test(NAME ${name}.np${np} COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${np} --oversubscribe
               $<TARGET_FILE:test_${name}>)
      list(APPEND names ${name}.np${np})
    endforeach()
  else()
    add_test(NAME ${name} COMMAND test_${name})
    set(names ${name})
  endif()
  set_tests_properties(${names} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}" SKIP_REGULAR_EXPRESSION "every test skipped"
                       ENVIRONMENT "${HALOBRUSH_TEST_ENVIRONMENT};HALOBRUSH_TEST_TIMEOUT=${arg_TIMEOUT}")
endfunction()
