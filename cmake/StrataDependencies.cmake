# Everything strata is built on. All of it stays private: no public header includes any of these. A static strata needs
# them again in the program that links it, so the installed package runs this file too.
include(CMakeFindDependencyMacro)

macro(strata_need package)
  if(NOT PROJECT_NAME STREQUAL "strata")
    find_dependency(${package})
  else()
    find_package(${package} ${ARGN} REQUIRED)
  endif()
endmacro()

strata_need(OpenMP COMPONENTS CXX)
strata_need(Threads)
strata_need(ZLIB)
strata_need(OpenSSL COMPONENTS Crypto)
strata_need(CURL)
strata_need(LibArchive)
strata_need(JPEG)
strata_need(PNG)
strata_need(fmt)
strata_need(nlohmann_json)

# strata_find(<target> <header> <library names> [folder of the header]...): for packages whose CMake files distributions
# do not agree upon.
function(strata_find target header library)
  if(TARGET ${target})
    return()
  endif()
  string(MAKE_C_IDENTIFIER "STRATA_${target}" id)
  find_path(${id}_INCLUDE "${header}" PATH_SUFFIXES ${ARGN} REQUIRED)
  mark_as_advanced(${id}_INCLUDE)
  if(library)
    find_library(${id}_LIBRARY NAMES ${library} REQUIRED)
    mark_as_advanced(${id}_LIBRARY)
    add_library(${target} UNKNOWN IMPORTED)
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${${id}_LIBRARY}")
  else()
    add_library(${target} INTERFACE IMPORTED)
  endif()
  target_include_directories(${target} SYSTEM INTERFACE "${${id}_INCLUDE}")
endfunction()

strata_find(strata_dep::dnnl dnnl.hpp dnnl)
strata_find(strata_dep::hwy hwy/highway.h hwy)
strata_find(strata_dep::random123 Random123/philox.h "")
strata_find(strata_dep::protozero protozero/pbf_writer.hpp "")
strata_find(strata_dep::hdf5 hdf5.h "hdf5_serial;hdf5" hdf5/serial)
strata_find(strata_dep::cairo cairo/cairo.h cairo)

# Pango's headers and GLib's lie in folders of their own, one of them beside the library.
if(NOT TARGET strata_dep::pango)
  strata_find(strata_dep::pango pango-1.0/pango/pangocairo.h pangocairo-1.0)
  find_path(STRATA_GLIB_INCLUDE glib-2.0/glib.h REQUIRED)
  find_path(STRATA_HARFBUZZ_INCLUDE harfbuzz/hb.h REQUIRED)
  find_path(STRATA_GLIB_CONFIG_INCLUDE glibconfig.h PATH_SUFFIXES lib/${CMAKE_LIBRARY_ARCHITECTURE}/glib-2.0/include
            lib/glib-2.0/include REQUIRED HINTS /usr)
  find_library(STRATA_PANGO_LIBRARY pango-1.0 REQUIRED)
  find_library(STRATA_GOBJECT_LIBRARY gobject-2.0 REQUIRED)
  mark_as_advanced(STRATA_GLIB_INCLUDE STRATA_HARFBUZZ_INCLUDE STRATA_GLIB_CONFIG_INCLUDE STRATA_PANGO_LIBRARY
                   STRATA_GOBJECT_LIBRARY)
  string(MAKE_C_IDENTIFIER "STRATA_strata_dep::pango" pango_id)
  target_include_directories(strata_dep::pango SYSTEM INTERFACE
    "${${pango_id}_INCLUDE}/pango-1.0" "${${pango_id}_INCLUDE}/cairo" "${STRATA_GLIB_INCLUDE}/glib-2.0" "${STRATA_HARFBUZZ_INCLUDE}/harfbuzz"
    "${STRATA_GLIB_CONFIG_INCLUDE}")
  target_link_libraries(strata_dep::pango INTERFACE "${STRATA_PANGO_LIBRARY}" "${STRATA_GOBJECT_LIBRARY}")
endif()
