# cmake --install build/release --prefix DIR: the program, and what it finds in share/halobrush (core/shared_files.hpp).
# The program looks for share/halobrush beside bin: these names are fixed.
set(bin bin)
set(share share/halobrush)
set(doc share/doc/halobrush)
install(TARGETS halobrush halobrush_main RUNTIME DESTINATION ${bin})
install(TARGETS halobrush_networks_library LIBRARY DESTINATION lib/halobrush)
install(DIRECTORY models config data DESTINATION ${share})
# The program runs python/run.py there; `pip install` takes the same folder.
install(FILES python/run.py python/pyproject.toml DESTINATION ${share}/python)
install(DIRECTORY python/halobrush DESTINATION ${share}/python FILES_MATCHING PATTERN "*.py" PATTERN "*.html" PATTERN "__pycache__" EXCLUDE)
install(DIRECTORY jobs docs DESTINATION ${doc} PATTERN "env.sh" EXCLUDE PATTERN "docs/scripts" EXCLUDE)
install(FILES README.md LICENSE CITATION.cff CHANGELOG.md CONTRIBUTING.md SECURITY.md DESTINATION ${doc})
install(FILES models/README.md models/demo.png models/tng.png DESTINATION ${doc}/models)
install(FILES examples/write_halos.py DESTINATION ${doc}/examples)
# The manual page and the completions for bash and zsh come from the installed program itself.
install(CODE [[
  set(prefix "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}")
  file(MAKE_DIRECTORY ${prefix}/share/man/man1 ${prefix}/share/bash-completion/completions ${prefix}/share/zsh/site-functions)
  execute_process(COMMAND ${prefix}/bin/halobrush describe-commands --man OUTPUT_FILE ${prefix}/share/man/man1/halobrush.1 COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${prefix}/bin/halobrush describe-commands OUTPUT_FILE ${prefix}/share/bash-completion/completions/halobrush COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${prefix}/bin/halobrush describe-commands --zsh OUTPUT_FILE ${prefix}/share/zsh/site-functions/_halobrush COMMAND_ERROR_IS_FATAL ANY)
]])
