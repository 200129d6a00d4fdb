# PORTREUSE_STATIC: one small file that runs where there is nothing else. C without threads does not
# unwind its stack, so the tables for that are left out: ours, and (50 KiB) those of the C library,
# where the linker is GNU's. So is the padding between code and data.
include(CheckCSourceCompiles)
target_compile_options(portreuse_flags INTERFACE -ffunction-sections -fdata-sections
  -fno-asynchronous-unwind-tables)

# A program without a dynamic linker moves itself where the C library has the code for that (rcrt1.o).
# The musl-gcc of Debian does not know -static-pie, and has to be told each file.
include(CheckCSourceRuns)
set(is_static_pie "#include <sys/auxv.h>
int main(void) { return getauxval(AT_BASE) != 0 || (unsigned long)&main < 0x10000000; }")
set(static -static)
if(NOT CMAKE_CROSSCOMPILING AND NOT CMAKE_C_COMPILER_ID STREQUAL TinyCC)
  set(CMAKE_REQUIRED_FLAGS -fPIE)
  set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie)
  check_c_source_runs("${is_static_pie}" PORTREUSE_STATIC_PIE)
  if(PORTREUSE_STATIC_PIE)
    set(static -static-pie)
  else()
    foreach(name rcrt1.o crti.o crtn.o)
      execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=../../lib/${CMAKE_SYSTEM_PROCESSOR}-linux-musl/${name}
        OUTPUT_VARIABLE ${name} OUTPUT_STRIP_TRAILING_WHITESPACE)
      if(NOT EXISTS "${${name}}")
        set(${name} /usr/lib/${CMAKE_SYSTEM_PROCESSOR}-linux-musl/${name})
      endif()
    endforeach()
    set(by_hand -static -nostartfiles ${rcrt1.o} ${crti.o} -Wl,-pie,--no-dynamic-linker,${crtn.o})
    set(CMAKE_REQUIRED_LINK_OPTIONS ${by_hand})
    check_c_source_runs("${is_static_pie}" PORTREUSE_STATIC_PIE_BY_HAND)
    if(PORTREUSE_STATIC_PIE_BY_HAND)
      set(static ${by_hand})
    endif()
  endif()
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
endif()
target_link_options(portreuse_flags INTERFACE ${static} -s -Wl,--gc-sections
  -Wl,-z,noseparate-code)
set(linker_script -Wl,-T,${CMAKE_CURRENT_LIST_DIR}/static.ld)
set(CMAKE_REQUIRED_FLAGS -fPIE)
set(CMAKE_REQUIRED_LINK_OPTIONS ${static} ${linker_script})
check_c_source_compiles("int main(void) { return 0; }" PORTREUSE_LINKER_TAKES_SCRIPT)
unset(CMAKE_REQUIRED_FLAGS)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(PORTREUSE_LINKER_TAKES_SCRIPT)
  target_link_options(portreuse_flags INTERFACE ${linker_script})
endif()
