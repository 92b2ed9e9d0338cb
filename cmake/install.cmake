# What `cmake --install` puts where: headers, both libraries, the command, and what finds them.
include(CMakePackageConfigHelpers)

set(WHERRY_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/wherry)

install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(TARGETS wherry wherry_static wherry_tripwire wherry_tripwire_static EXPORT wherry
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET wherry_tool)
    install(TARGETS wherry_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
foreach(text README.md LICENSE CHANGELOG.md SECURITY.md)
    install(FILES ${text} DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
endforeach()

# pkg-config: paths from the place of the file itself, so that an installed tree can be moved.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
    set(WHERRY_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
    set(WHERRY_PC_LIBDIR ${CMAKE_INSTALL_FULL_LIBDIR})
    set(WHERRY_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
    file(RELATIVE_PATH WHERRY_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    string(REGEX REPLACE "/$" "" WHERRY_PC_UP ${WHERRY_PC_UP})
    set(WHERRY_PC_PREFIX "\${pcfiledir}/${WHERRY_PC_UP}")
    set(WHERRY_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(WHERRY_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
if(WHERRY_CARES)
    set(WHERRY_PC_REQUIRES_PRIVATE "Requires.private: libcares")
endif()
foreach(package wherry wherry-tripwire)
    configure_file(cmake/${package}.pc.in ${package}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${package}.pc
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

# find_package(wherry): wherry::wherry, wherry::tripwire, and the same with _static.
configure_package_config_file(cmake/wherryConfig.cmake.in wherryConfig.cmake
                              INSTALL_DESTINATION ${WHERRY_PACKAGE_DIR})
write_basic_package_version_file(wherryConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT wherry NAMESPACE wherry:: FILE wherryTargets.cmake
        DESTINATION ${WHERRY_PACKAGE_DIR})
install(FILES ${PROJECT_BINARY_DIR}/wherryConfig.cmake
              ${PROJECT_BINARY_DIR}/wherryConfigVersion.cmake
        DESTINATION ${WHERRY_PACKAGE_DIR})
