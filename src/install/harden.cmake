# What makes a fault of ours harder to use, each as far as the compiler and the C library have it.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)

set(CMAKE_REQUIRED_FLAGS -Werror)
foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
    -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "PORTREUSE_TAKES${flag}" takes)
  check_c_compiler_flag(${flag} ${takes})
  if(${takes})
    target_compile_options(portreuse_flags INTERFACE ${flag})
  endif()
endforeach()
if(PORTREUSE_TAKES_fstack_clash_protection) # stack.c says why
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/base/stack.c PROPERTIES
    COMPILE_OPTIONS -fno-stack-clash-protection)
endif()

# The C library checks sizes; it can do so only in optimized builds. Level 3 also checks sizes that are
# known only at run time.
set(CMAKE_REQUIRED_FLAGS "-Werror -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <string.h>
int main(void) { return (int)strlen(\"\"); }" PORTREUSE_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(optimized $<OR:$<CONFIG:Release>,$<CONFIG:RelWithDebInfo>,$<CONFIG:MinSizeRel>>)
if(PORTREUSE_FORTIFY_3)
  set(level 3)
else()
  set(level 2)
endif()
target_compile_options(portreuse_flags INTERFACE
  "$<${optimized}:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${level}>")

# The program lies at another address each time; the tables of addresses cannot be written to once it
# runs, and no data can be executed. A static build is linked in its own way: static.cmake.
if(NOT CMAKE_C_COMPILER_ID STREQUAL TinyCC)
  target_compile_options(portreuse_flags INTERFACE -fPIE)
  target_link_options(portreuse_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
  if(NOT PORTREUSE_STATIC)
    target_link_options(portreuse_flags INTERFACE -pie)
  endif()
endif()
