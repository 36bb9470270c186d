# An overlay port: it builds the source that it lies in. What depends on it names it with "host": true, as it is a tool.
set(VCPKG_POLICY_EMPTY_INCLUDE_FOLDER enabled)
set(VCPKG_BUILD_TYPE release)
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../../.." ABSOLUTE)

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS -DCMAKE_INSTALL_BINDIR=tools/snapshotfixtures -DSNAPSHOT_FIXTURES_INSTALL_CMAKEDIR=share/snapshotfixtures)
vcpkg_cmake_install()
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
