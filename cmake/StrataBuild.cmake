# Flags that every target of this project shares. Nothing here leaks into a project that uses strata.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
  endif()
  # Debug is for work on strata: fast to compile, usable in a debugger, with assertions.
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
  set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
  if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(STRATA_CCACHE ccache)
    mark_as_advanced(STRATA_CCACHE)
    if(STRATA_CCACHE)
      set(CMAKE_CXX_COMPILER_LAUNCHER "${STRATA_CCACHE}")
    endif()
  endif()
  if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache$")
    # Relative paths let every checkout share one cache; the sloppiness is what a precompiled header asks for.
    list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}"
         "CCACHE_SLOPPINESS=pch_defines,time_macros")
  endif()
  set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endif()

# strata_options carries the flags of our own code: warnings, prefix maps, sanitizers.
add_library(strata_options INTERFACE)
target_compile_options(strata_options INTERFACE -Wall -Wextra "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # At -O3 it warns of its own std::string, and of members of temporaries that they were not initialized.
  target_compile_options(strata_options INTERFACE -Wno-restrict $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
endif()
if(STRATA_WERROR)
  target_compile_options(strata_options INTERFACE -Werror)
endif()
if(STRATA_SANITIZE)
  target_compile_options(strata_options INTERFACE "-fsanitize=${STRATA_SANITIZE}" -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(strata_options INTERFACE "-fsanitize=${STRATA_SANITIZE}")
endif()
if(STRATA_FUZZ)
  target_compile_options(strata_options INTERFACE -fsanitize=fuzzer-no-link)  # libFuzzer sees which code was reached
endif()

# strata_sources(<result> <folder>...): the .cpp files under src/<folder>, found again at each build.
function(strata_sources result)
  set(all "")
  foreach(folder IN LISTS ARGN)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${folder}/*.cpp")
    list(APPEND all ${found})
  endforeach()
  set(${result} "${all}" PARENT_SCOPE)
endfunction()

# Tensor loops are useless at -O1, so these folders are optimized in Debug builds too.
function(strata_always_optimize)
  foreach(source IN LISTS ARGN)
    if(source MATCHES "/src/kernels/")
      set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_OPTIONS "$<$<CONFIG:Debug>:-O3>")
    endif()
  endforeach()
endfunction()

# Loops over elements are in kernels, and simple ones in ops. What runs once in a call of them, or once in a program, is
# compiled to be small: that halves it.
function(strata_optimize_size)
  set(texts "graph/(passes/.*|plan_text|profile|program)|core/(config|npy|print|zip)|kernels/(choice_table|conv_choice)")
  foreach(source IN LISTS ARGN)
    if(source MATCHES "/src/(${texts})[.]cpp$" OR NOT source MATCHES "/src/(core|graph|kernels|ops)/")
      set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_OPTIONS
                   "$<$<CONFIG:Release>:-Os>")
    elseif(source MATCHES "/src/(core|graph|ops)/")
      set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_OPTIONS
                   "$<$<CONFIG:Release>:-O2;-ftree-vectorize;-fvect-cost-model=dynamic>")
    endif()
  endforeach()
endfunction()

# How components are linked in Release builds: without the names that only debuggers and profilers read, and with
# addresses that move with the library in a table of bits. (-Bsymbolic-functions would save 1 % more, but gives a function
# two addresses in a program without PIE, and nn::relu is known by its address.)
set(strata_small_link "LINKER:-s")
include(CheckLinkerFlag)
check_linker_flag(CXX "LINKER:-z,pack-relative-relocs" STRATA_HAS_RELR)
if(STRATA_HAS_RELR)
  string(APPEND strata_small_link ",-z,pack-relative-relocs")
endif()
