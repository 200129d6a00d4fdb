# Writes the styles of pages and of pictures into a C source:
# cmake -DOUT=styles.c -DFOLDER=src/report/shared -P styles.cmake
# A page has the colours as variables; in a picture that stands alone they are put in, as not every
# program that shows SVG knows variables.
file(READ "${FOLDER}/picture.css" picture)
file(READ "${FOLDER}/page.css" page)
file(STRINGS "${FOLDER}/palette.txt" colours REGEX "^[a-z]")
set(light "")
set(dark "")
set(picture_light "${picture}")
set(picture_dark "${picture}")
foreach(row IN LISTS colours)
  string(REGEX MATCH "^([a-z]+) +(#[0-9a-f]+) +(#[0-9a-f]+)$" matched "${row}")
  if(NOT matched)
    message(FATAL_ERROR "palette.txt: not a name and two colours: ${row}")
  endif()
  string(APPEND light "--${CMAKE_MATCH_1}:${CMAKE_MATCH_2}$<SEMICOLON>")
  string(APPEND dark "--${CMAKE_MATCH_1}:${CMAKE_MATCH_3}$<SEMICOLON>")
  string(REPLACE "var(--${CMAKE_MATCH_1})" "${CMAKE_MATCH_2}" picture_light "${picture_light}")
  string(REPLACE "var(--${CMAKE_MATCH_1})" "${CMAKE_MATCH_3}" picture_dark "${picture_dark}")
endforeach()
string(REPLACE "$<SEMICOLON>" ";" light "${light}")
string(REPLACE "$<SEMICOLON>" ";" dark "${dark}")
set(scheme "@media(prefers-color-scheme:dark)")
set(page ":root{color-scheme:light dark;${light}}\n${scheme}{:root{${dark}}}\n${picture}${page}")
set(picture "${picture_light}${scheme}{\n${picture_dark}}\n")
if(picture MATCHES "var\\(")
  message(FATAL_ERROR "picture.css uses a colour that palette.txt has not")
endif()

# quote NAME TEXT: appends the definition of a string, a literal for each line.
set(source "")
function(quote name text)
  string(REGEX REPLACE "([\\\\\"])" "\\\\\\1" text "${text}")
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  set(source "${source}const char ${name}[] =\n    \"${text}\";\n" PARENT_SCOPE)
endfunction()
quote(style_page "${page}")
quote(style_picture "${picture}")
file(WRITE "${OUT}.new" "/* Generated from palette.txt, picture.css and page.css by styles.cmake. */
#include \"report/shared/page.h\"
#include \"report/shared/picture.h\"

${source}")
configure_file("${OUT}.new" "${OUT}" COPYONLY)
