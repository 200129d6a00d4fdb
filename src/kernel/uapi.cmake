# The kernel's headers, <linux/inet_diag.h> and others. A compiler for another C library than the
# system's (musl-gcc) does not look where they are, and must not find the system's other headers: it
# gets a directory with links to them alone.
include(CheckIncludeFile)
check_include_file(linux/inet_diag.h PORTREUSE_HAS_UAPI)
if(NOT PORTREUSE_HAS_UAPI)
  set(uapi ${PROJECT_BINARY_DIR}/uapi)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-multiarch OUTPUT_VARIABLE multiarch
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  file(MAKE_DIRECTORY ${uapi})
  foreach(folder linux asm asm-generic)
    foreach(place /usr/include /usr/include/${multiarch})
      if(EXISTS ${place}/${folder}/types.h)
        file(CREATE_LINK ${place}/${folder} ${uapi}/${folder} SYMBOLIC)
      endif()
    endforeach()
    if(NOT EXISTS ${uapi}/${folder}/types.h)
      message(FATAL_ERROR "The kernel's headers are missing (Debian and Ubuntu: apt-get install "
        "linux-libc-dev; Alpine: apk add linux-headers)")
    endif()
  endforeach()
  target_compile_options(portreuse_flags INTERFACE -idirafter ${uapi})
endif()
