# Every library the project uses, found in one place. Each one lives behind one module (see HalobrushModule callers).
set(HALOBRUSH_CURE "on Debian 12: see the package list in tools/packages.txt, or run tools/demo.sh as root")

find_package(MPI 3.0 REQUIRED COMPONENTS C)
set(HDF5_PREFER_PARALLEL ON)
find_package(HDF5 REQUIRED COMPONENTS C)
if(NOT HDF5_IS_PARALLEL)
  message(FATAL_ERROR "HDF5 ${HDF5_VERSION} was built without MPI; install libhdf5-openmpi-dev (${HALOBRUSH_CURE})")
endif()
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(nanoflann REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(FFTW3 REQUIRED IMPORTED_TARGET fftw3)
find_library(FFTW3_MPI_LIBRARY fftw3_mpi REQUIRED)
pkg_check_modules(CFITSIO REQUIRED IMPORTED_TARGET cfitsio)
pkg_check_modules(BLOSC REQUIRED IMPORTED_TARGET blosc)
pkg_check_modules(HEALPIX REQUIRED healpix_cxx)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)

add_library(halobrush_mpi_c INTERFACE)
target_link_libraries(halobrush_mpi_c INTERFACE MPI::MPI_C)
target_compile_definitions(halobrush_mpi_c INTERFACE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)

add_library(halobrush_hdf5 INTERFACE)
target_include_directories(halobrush_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(halobrush_hdf5 INTERFACE ${HDF5_C_LIBRARIES} halobrush_mpi_c)

add_library(halobrush_fftw INTERFACE)
target_link_libraries(halobrush_fftw INTERFACE ${FFTW3_MPI_LIBRARY} PkgConfig::FFTW3 halobrush_mpi_c)

# Without its flags for threads, which halobrush does not use.
add_library(halobrush_healpix INTERFACE)
target_include_directories(halobrush_healpix SYSTEM INTERFACE ${HEALPIX_INCLUDE_DIRS})
target_link_libraries(halobrush_healpix INTERFACE ${HEALPIX_LINK_LIBRARIES})

include(HalobrushTorch)
