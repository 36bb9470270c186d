# Run by cpack, before the files that it has installed become a package: what Debian's rules want besides.
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()
set(usr "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr")
set(doc "${usr}/share/doc/${CPACK_PACKAGE_NAME}")
file(WRITE "${doc}/copyright" "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: SnapshotFixtures

Files: *
Copyright: 2026 the authors of SnapshotFixtures
License: Apache-2.0
 On Debian systems the text of this license is in /usr/share/common-licenses/Apache-2.0.
")
file(REMOVE_RECURSE "${usr}/share/doc/SnapshotFixtures")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE "${doc}/changelog" "${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}) unstable; urgency=low

  * See CHANGELOG.md of the source.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
execute_process(COMMAND gzip -9n "${doc}/changelog" "${usr}/share/man/man1/snapfix.1" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND strip --strip-unneeded "${usr}/bin/snapfix" COMMAND_ERROR_IS_FATAL ANY) # cpack strips only what it built
file(WRITE "${usr}/share/lintian/overrides/${CPACK_PACKAGE_NAME}" "# The helper starts once a test, and most of a start is the dynamic linker's work.
embedded-library libyaml *
statically-linked-binary *
")
# Where Debian's zsh looks.
file(MAKE_DIRECTORY "${usr}/share/zsh/vendor-completions")
file(RENAME "${usr}/share/zsh/site-functions/_snapfix" "${usr}/share/zsh/vendor-completions/_snapfix")
file(REMOVE_RECURSE "${usr}/share/zsh/site-functions")
