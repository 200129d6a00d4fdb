# Installing: the program, a link for each command, man pages, and completion for the shells. All of
# it is made in the build tree: `cmake --install` needs nothing else.
include(GNUInstallDirs)
set(data ${CMAKE_INSTALL_DATADIR})
set(PORTREUSE_ZSH_DIR ${data}/zsh/site-functions CACHE STRING "Where zsh looks for completions")
set(made ${PROJECT_BINARY_DIR}/install)

# A link for each command of the list, but for those that no script calls.
set(table ${PROJECT_SOURCE_DIR}/src/cmd/commands.c)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${table})
file(READ ${table} text)
string(REGEX MATCHALL "&command_[a-z]+" commands "${text}")
list(TRANSFORM commands REPLACE "&command_" "portreuse-" OUTPUT_VARIABLE links)
list(REMOVE_ITEM links portreuse-help portreuse-version)
list(JOIN links " " link_words)

# Installs a source in DIRECTORY, called FILE; `@link_words@` in it is filled in.
function(install_source source directory file)
  configure_file(${PROJECT_SOURCE_DIR}/${source} ${made}/${directory}/${file} @ONLY)
  install(FILES ${made}/${directory}/${file} DESTINATION ${directory})
endfunction()

# Installs in DIRECTORY links to FILE, called portreuse or portreuse.something, for all commands.
function(install_links directory file)
  file(MAKE_DIRECTORY ${made}/${directory})
  foreach(link IN LISTS links)
    string(REPLACE portreuse ${link} name ${file})
    file(CREATE_LINK ${file} ${made}/${directory}/${name} SYMBOLIC)
    install(FILES ${made}/${directory}/${name} DESTINATION ${directory})
  endforeach()
endfunction()

install(TARGETS portreuse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install_links(${CMAKE_INSTALL_BINDIR} portreuse)

install_source(docs/man/portreuse.1 ${CMAKE_INSTALL_MANDIR}/man1 portreuse.1)
install_links(${CMAKE_INSTALL_MANDIR}/man1 portreuse.1)
install_source(docs/man/portreuse-scenario.5 ${CMAKE_INSTALL_MANDIR}/man5 portreuse-scenario.5)

install_source(src/install/complete.zsh ${PORTREUSE_ZSH_DIR} _portreuse)
install_source(src/install/complete.bash ${data}/bash-completion/completions portreuse)
install_links(${data}/bash-completion/completions portreuse)
install_source(src/install/complete.fish ${data}/fish/vendor_completions.d portreuse.fish)
install_links(${data}/fish/vendor_completions.d portreuse.fish)
