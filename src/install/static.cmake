# PORTREUSE_STATIC: one small file that runs where there is nothing else. C without threads does not
# unwind its stack, so the tables for that are left out: ours, and (50 KiB) those of the C library,
# where the linker is GNU's. So is the padding between code and data.
include(CheckCSourceCompiles)
target_compile_options(portreuse_flags INTERFACE -ffunction-sections -fdata-sections
  -fno-asynchronous-unwind-tables)
target_link_options(portreuse_flags INTERFACE -static -s -Wl,--gc-sections -Wl,-z,noseparate-code)
set(linker_script -static -Wl,-T,${CMAKE_CURRENT_LIST_DIR}/static.ld)
set(CMAKE_REQUIRED_LINK_OPTIONS ${linker_script})
check_c_source_compiles("int main(void) { return 0; }" PORTREUSE_LINKER_TAKES_SCRIPT)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
if(PORTREUSE_LINKER_TAKES_SCRIPT)
  target_link_options(portreuse_flags INTERFACE ${linker_script})
endif()
