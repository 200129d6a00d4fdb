# Writes the scenario files into a C source, each with what `list` shows of its header: to read 75
# headers would take longer than all else that `list` does. tests/unit/test_catalogue.c compares them
# with what the parser reads.
#
# usage: cmake -DOUT=catalogue.c "-DFILES=a;b" -P embed.cmake
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

# header_text(VARIABLE FILE KEYWORD): the text behind a keyword of the header, as a literal of C.
function(header_text variable file keyword)
  file(STRINGS "${file}" lines REGEX "^${keyword}[ \t]" LIMIT_COUNT 1 ENCODING UTF-8)
  string(REGEX REPLACE "^${keyword}[ \t]+" "" line "${lines}")
  string(REPLACE "\\;" ";" line "${line}") # STRINGS makes a list
  string(STRIP "${line}" line)
  string(REGEX REPLACE "[ \t]+" " " line "${line}")
  string(REGEX REPLACE "([\\\\\"])" "\\\\\\1" line "${line}")
  set(${variable} "\"${line}\"" PARENT_SCOPE)
endfunction()

foreach(name IN LISTS names)
  set(file "${folder}/${name}.scenario")
  file(READ "${file}" hex HEX)
  header_text(title "${file}" title)
  header_text(tags "${file}" tags)
  set(slow false)
  file(STRINGS "${file}" lines REGEX "^slow[ \t]*$" LIMIT_COUNT 1)
  if(lines)
    set(slow true)
  endif()
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND texts "static const unsigned char text_${index}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", (const char *)text_${index}, sizeof text_${index} - 1,\n"
    "     ${title},\n     ${tags}, ${slow}},\n")
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
