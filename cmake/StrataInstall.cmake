# Install rules and the package files, so that find_package(strata) works from an install and from the build tree.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/strata")
install(TARGETS strata_core strata_io strata_report strata_strata EXPORT strata)
install(TARGETS strata_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/strata" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.h")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/strataConfig.cmake.in"
                              "${PROJECT_BINARY_DIR}/strataConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/strataConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
configure_file("${PROJECT_SOURCE_DIR}/cmake/StrataDependencies.cmake" "${PROJECT_BINARY_DIR}/StrataDependencies.cmake"
               COPYONLY)
install(FILES "${PROJECT_BINARY_DIR}/strataConfig.cmake" "${PROJECT_BINARY_DIR}/strataConfigVersion.cmake"
              "${PROJECT_BINARY_DIR}/StrataDependencies.cmake" DESTINATION "${package_dir}")
install(EXPORT strata NAMESPACE strata:: FILE strataTargets.cmake DESTINATION "${package_dir}")
export(EXPORT strata NAMESPACE strata:: FILE "${PROJECT_BINARY_DIR}/strataTargets.cmake")
