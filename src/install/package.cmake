# Packing: `cpack -G DEB` in the build tree makes a package for Debian and Ubuntu, `cpack -G TGZ` an
# archive.
set(PORTREUSE_MAINTAINER
  "portreuse maintainers <maintainers@users.noreply.r-seed-c5cd8eeb.example>"
  CACHE STRING "The maintainer whom a package names")
configure_file(src/install/debian/changelog ${made}/debian/changelog @ONLY)
configure_file(src/install/debian/copyright ${made}/debian/copyright COPYONLY)
configure_file(src/install/debian/fit.cmake ${made}/debian/fit.cmake COPYONLY)

set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${made}/debian/fit.cmake)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "show why a TCP port cannot be bound, by reproducing it")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"portreuse reproduces port-reuse problems of TCP end to end as named scenarios,
and reports which bind() or connect() succeeded or failed, with which errno,
and which socket was in the way. It runs in network namespaces of its own: no
port and no setting of the host is touched, and no root is needed.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${PORTREUSE_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
find_program(PORTREUSE_SHLIBDEPS dpkg-shlibdeps)
if(PORTREUSE_SHLIBDEPS AND NOT PORTREUSE_STATIC)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
