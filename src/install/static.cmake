# PORTREUSE_STATIC: one small file that runs where there is nothing else. Nothing here unwinds a stack,
# so the tables for that are left out.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE MinSizeRel CACHE STRING "As small as can be" FORCE)
endif()
add_compile_options(-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables)
add_link_options(-static -s -Wl,--gc-sections)
