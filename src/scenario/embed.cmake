# Writes the scenario files into a C source: cmake -DOUT=catalogue.c "-DFILES=a;b" -P embed.cmake
set(rows "")
set(texts "")
set(index 0)
set(names "")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME_WE)
  get_filename_component(folder "${file}" DIRECTORY)
  list(APPEND names "${name}")
endforeach()
list(SORT names) # the names alone: of the files, a-b.scenario comes before a.scenario
foreach(name IN LISTS names)
  file(READ "${folder}/${name}.scenario" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND texts "static const unsigned char text_${index}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", (const char *)text_${index}, sizeof text_${index} - 1},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE "${OUT}.new" "/* Generated from scenarios/ by src/scenario/embed.cmake. */
#include \"scenario/catalogue.h\"

${texts}
const struct catalogue_entry catalogue[] = {
${rows}};

const size_t catalogue_count = sizeof catalogue / sizeof catalogue[0];
")
configure_file("${OUT}.new" "${OUT}" COPYONLY)
