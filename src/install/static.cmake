# PORTREUSE_STATIC: one small file that runs where there is nothing else. C without threads does not
# unwind its stack, so the tables for that are left out: ours, and (50 KiB) those of the C library, where
# the linker is GNU's. The pages between code and data that are filled with nothing are left out too.
include(CheckCSourceCompiles)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE MinSizeRel CACHE STRING "As small as can be" FORCE)
endif()
add_compile_options(-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables)
add_link_options(-static -s -Wl,--gc-sections -Wl,-z,noseparate-code)
set(CMAKE_REQUIRED_LINK_OPTIONS -static -Wl,-T,${CMAKE_CURRENT_LIST_DIR}/static.ld)
check_c_source_compiles("int main(void) { return 0; }" PORTREUSE_LINKER_TAKES_SCRIPT)
if(PORTREUSE_LINKER_TAKES_SCRIPT)
  add_link_options(${CMAKE_REQUIRED_LINK_OPTIONS})
endif()
unset(CMAKE_REQUIRED_LINK_OPTIONS)
