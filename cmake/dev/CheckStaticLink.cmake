# Whether a program can be linked that needs no library of the system it runs on: of all that the helper takes, and of
# the C library, there must be archives.
include(CheckCXXSourceCompiles)

function(snapshot_fixtures_check_static_link out)
  set(CMAKE_REQUIRED_LINK_OPTIONS -static)
  set(CMAKE_REQUIRED_LIBRARIES Boost::filesystem Boost::program_options LibYAML::yaml Threads::Threads)
  set(CMAKE_REQUIRED_QUIET TRUE)
  check_cxx_source_compiles("
    #include <boost/filesystem.hpp>
    #include <boost/program_options.hpp>
    #include <thread>
    #include <yaml.h>
    int main() {
      std::thread([] {}).join();
      yaml_parser_t parser;
      yaml_parser_initialize(&parser);
      boost::program_options::options_description options(\"x\");
      return boost::filesystem::exists(boost::filesystem::current_path()) ? 0 : 1;
    }" ${out})
  set(${out} "${${out}}" PARENT_SCOPE)
endfunction()

# Whether it can hold what it calls of libarchive. Of the libraries that all of libarchive wants it then needs zstd alone:
# what is not called is dropped before anybody asks where it is.
function(snapshot_fixtures_check_static_libarchive out)
  find_library(LIBARCHIVE_ARCHIVE NAMES libarchive.a)
  find_library(ZSTD_ARCHIVE NAMES libzstd.a)
  mark_as_advanced(LIBARCHIVE_ARCHIVE ZSTD_ARCHIVE)
  set(CMAKE_REQUIRED_LINK_OPTIONS -static -Wl,--gc-sections)
  set(CMAKE_REQUIRED_INCLUDES ${LibArchive_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_LIBRARIES "${LIBARCHIVE_ARCHIVE}" "${ZSTD_ARCHIVE}")
  set(CMAKE_REQUIRED_QUIET TRUE)
  if(LIBARCHIVE_ARCHIVE AND ZSTD_ARCHIVE)
    check_cxx_source_compiles("
      #include <archive.h>
      int main() {
        struct archive *made = archive_write_new(), *read = archive_read_new();
        return archive_write_set_format_pax_restricted(made) + archive_write_add_filter_zstd(made) +
          archive_write_open_fd(made, 1) + archive_write_free(made) + archive_read_support_format_tar(read) +
          archive_read_support_filter_zstd(read) + archive_read_open_fd(read, 0, 512) + archive_read_free(read);
      }" ${out})
  endif()
  set(${out} "${${out}}" PARENT_SCOPE)
endfunction()
