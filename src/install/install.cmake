# Installing: the program, the link portreuse-run, man pages, and completion for the shells. All of
# it is made in the build tree: `cmake --install` needs nothing else.
include(GNUInstallDirs)
set(data ${CMAKE_INSTALL_DATADIR})
set(PORTREUSE_ZSH_DIR ${data}/zsh/site-functions CACHE STRING "Where zsh looks for completions")
set(made ${PROJECT_BINARY_DIR}/install)

# Installs a source in DIRECTORY, called FILE.
function(install_source source directory file)
  configure_file(${PROJECT_SOURCE_DIR}/${source} ${made}/${directory}/${file} COPYONLY)
  install(FILES ${made}/${directory}/${file} DESTINATION ${directory})
endfunction()

# Installs in DIRECTORY a link to FILE, portreuse or portreuse.something, called portreuse-run. One link is
# enough: whoever wants another command as a link makes it.
function(install_link directory file)
  string(REPLACE portreuse portreuse-run name ${file})
  file(MAKE_DIRECTORY ${made}/${directory})
  file(CREATE_LINK ${file} ${made}/${directory}/${name} SYMBOLIC)
  install(FILES ${made}/${directory}/${name} DESTINATION ${directory})
endfunction()

install(TARGETS portreuse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install_link(${CMAKE_INSTALL_BINDIR} portreuse)

install_source(docs/man/portreuse.1 ${CMAKE_INSTALL_MANDIR}/man1 portreuse.1)
install_link(${CMAKE_INSTALL_MANDIR}/man1 portreuse.1)
install_source(docs/man/portreuse-scenario.5 ${CMAKE_INSTALL_MANDIR}/man5 portreuse-scenario.5)

install_source(src/install/complete.zsh ${PORTREUSE_ZSH_DIR} _portreuse)
install_source(src/install/complete.bash ${data}/bash-completion/completions portreuse)
install_link(${data}/bash-completion/completions portreuse)
install_source(src/install/complete.fish ${data}/fish/vendor_completions.d portreuse.fish)
install_link(${data}/fish/vendor_completions.d portreuse.fish)
