# What `cpack` makes: a Debian package, and with --config CPackSourceConfig.cmake a tarball of the source.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME snapshotfixtures)
set(CPACK_PACKAGE_VENDOR SnapshotFixtures)
# Who makes the package says so as for all of Debian's tools.
set(CPACK_PACKAGE_CONTACT "SnapshotFixtures <snapshotfixtures@example.org>")
if(NOT "$ENV{DEBEMAIL}" STREQUAL "")
  set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "isolated, hard-linked copy of the source tree for each test")
set(CPACK_STRIP_FILES ON)
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGE_DESCRIPTION "CMake module and helper, snapfix, that give each test its own copy of
the source tree, made of hard links, before it runs. No data is copied,
and yet a write in one copy reaches neither another nor the source.")
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/DebianFiles.cmake")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libarchive13 | libarchive13t64") # loaded when it is wanted
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "cmake, git")

set(CPACK_SOURCE_GENERATOR TGZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME "${CPACK_PACKAGE_NAME}-${PROJECT_VERSION}")
set(CPACK_SOURCE_IGNORE_FILES "/build/;/\\\\.git/;/__pycache__/;/\\\\.snapshots/;CMakeUserPresets.json$")
include(CPack)
