# What is installed where, and the Debian packages made of it: cmake --workflow --preset packages, or of a preset rpi-*.
#
# Components, each a package: agent (with the warden), aggregator, cli, python. README.md in this folder says what they do
# when they are installed, upgraded, removed and purged. Without the head's programs (BRAMBLE_HEAD) it is the agent's alone.
# That of Python is one for all machines: a cross build leaves it to the build for this one.
include(GNUInstallDirs)
set(parts agent)
if(BRAMBLE_HEAD)
  list(APPEND parts aggregator cli)
endif()
set(has_python OFF)
if(BRAMBLE_HEAD AND NOT CMAKE_CROSSCOMPILING)
  set(has_python ON)
  list(APPEND parts python)
endif()
# Raspberry Pi OS calls itself armhf on ARMv6 as on ARMv7: what runs on a Pi Zero and 1 has a name of its own.
set(agent_package bramble-agent)
if(BRAMBLE_TARGET STREQUAL "rpi-armv6")
  set(agent_package bramble-agent-armv6)
endif()
set(units ${CMAKE_CURRENT_LIST_DIR})
set(packaging ${CMAKE_CURRENT_LIST_DIR}/packages)
set(made ${CMAKE_BINARY_DIR}/package_files)

install(TARGETS bramble-agent bramble-warden RUNTIME DESTINATION bin COMPONENT agent)
get_property(kernels GLOBAL PROPERTY BRAMBLE_KERNELS)
install(TARGETS ${kernels} RUNTIME DESTINATION libexec/bramble/kernels COMPONENT agent)
if(BRAMBLE_HEAD)
  install(TARGETS bramble-aggregator RUNTIME DESTINATION bin COMPONENT aggregator)
  install(TARGETS bramble RUNTIME DESTINATION bin COMPONENT cli)
endif()
if(has_python)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/aggregator/cli/python/bramble DESTINATION lib/python3/dist-packages COMPONENT python
    FILES_MATCHING PATTERN "*.py" PATTERN "py.typed" PATTERN "__pycache__" EXCLUDE)
endif()

# Absolute places: systemd, udev and people look nowhere else, whatever the prefix.
install(FILES ${units}/bramble-agent.service ${units}/bramble-warden.service ${units}/bramble-halt.path
  ${units}/bramble-halt.service DESTINATION lib/systemd/system COMPONENT agent)
install(FILES ${units}/bramble-aggregator.service ${units}/bramble-flash@.service
  DESTINATION lib/systemd/system COMPONENT aggregator)
install(PROGRAMS ${units}/bramble-halt DESTINATION libexec COMPONENT agent)
install(PROGRAMS ${units}/bramble-flash DESTINATION libexec COMPONENT aggregator)
install(FILES ${units}/flash.conf DESTINATION /etc/bramble COMPONENT aggregator)
install(DIRECTORY DESTINATION /var/lib/bramble/packages COMPONENT aggregator) # for the operator to fill
install(FILES ${units}/60-bramble-watchdog.rules DESTINATION lib/udev/rules.d COMPONENT agent)
install(FILES ${units}/60-bramble-gpio.rules DESTINATION lib/udev/rules.d COMPONENT aggregator)
foreach(part agent aggregator)
  install(FILES ${units}/bramble-${part}.sysusers DESTINATION lib/sysusers.d RENAME bramble-${part}.conf COMPONENT ${part})
  install(FILES ${units}/${part}.toml DESTINATION /etc/bramble COMPONENT ${part})
endforeach()

# Debian's own papers. Everything is compressed as Debian does it, without a time, so that equal builds are equal.
function(bramble_gzip from to)
  add_custom_command(OUTPUT ${to}
    COMMAND sh -c "mkdir -p $(dirname ${to}) && gzip -9nc ${from} > ${to}" DEPENDS ${from} VERBATIM)
endfunction()

function(bramble_papers component package readme)
  set(folder ${made}/${package})
  file(READ ${packaging}/copyright.head copyright)
  file(STRINGS ${CMAKE_SOURCE_DIR}/LICENSE license)
  list(SUBLIST license 4 -1 license) # the title and the holder stand in the head
  foreach(line ${license})
    string(APPEND copyright " ${line}\n")
  endforeach()
  file(CONFIGURE OUTPUT ${folder}/copyright CONTENT "${copyright}" @ONLY)
  bramble_gzip(${packaging}/changelog ${folder}/changelog.gz)
  bramble_gzip(${CMAKE_SOURCE_DIR}/${readme} ${folder}/README.md.gz)
  add_custom_target(papers_of_${component} ALL DEPENDS ${folder}/changelog.gz ${folder}/README.md.gz)
  install(FILES ${folder}/copyright ${folder}/changelog.gz ${folder}/README.md.gz
    DESTINATION share/doc/${package} COMPONENT ${component})
  if(EXISTS ${packaging}/${package}.lintian-overrides)
    install(FILES ${packaging}/${package}.lintian-overrides
      DESTINATION share/lintian/overrides RENAME ${package} COMPONENT ${component})
  endif()
endfunction()
# What help and messages point at, so it stands at the same place in each package for a board.
function(bramble_manual component package source name)
  set(paper ${made}/${package}/${name}.gz)
  bramble_gzip(${CMAKE_SOURCE_DIR}/${source} ${paper})
  add_custom_target(manual_of_${component} ALL DEPENDS ${paper})
  install(FILES ${paper} DESTINATION share/doc/${package} COMPONENT ${component})
endfunction()

bramble_papers(agent ${agent_package} README.md)
bramble_manual(agent bramble-agent agent/kernels/README.md KERNELS.md)
if(BRAMBLE_HEAD)
  bramble_papers(aggregator bramble-aggregator README.md)
  bramble_papers(cli bramble README.md)
  bramble_manual(cli bramble aggregator/cli/LEARNING.md LEARNING.md)
endif()
if(has_python)
  bramble_papers(python python3-bramble aggregator/cli/python/README.md)
endif()

# A manual page from what the program itself says; one that was cross-built says it under its emulator.
function(bramble_man component package program section summary)
  set(page ${made}/${package}/${program}.${section})
  add_custom_command(OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -E env MAN_PACKAGE=${package} sh -c
      "program=$1; shift; \"$@\" > \"$program\"" sh ${page}
      ${packaging}/make-man ${program} ${section} ${summary} ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:${program}>
    DEPENDS ${packaging}/make-man ${program} VERBATIM)
  bramble_gzip(${page} ${page}.gz)
  add_custom_target(man_of_${program} ALL DEPENDS ${page}.gz)
  install(FILES ${page}.gz DESTINATION share/man/man${section} COMPONENT ${component})
endfunction()
bramble_man(agent ${agent_package} bramble-agent 8 "the daemon of a bramble's node")
bramble_man(agent ${agent_package} bramble-warden 8 "owns and ends the tasks of a bramble's node")
if(BRAMBLE_HEAD)
  bramble_man(aggregator bramble-aggregator bramble-aggregator 8 "the daemon of a bramble's head")
  bramble_man(cli bramble bramble 1 "hand out work to a cluster of Raspberry Pis and watch it")
endif()

# --- the packages ---

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME bramble)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "bramble maintainers <bramble@users.noreply.example>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL ${parts})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz) # bookworm's dpkg and Raspberry Pi OS read it
if(CMAKE_CROSSCOMPILING)
  # dpkg-shlibdeps finds libraries in the sysroot, and beside these which packages they are of (make-sysroot).
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${BRAMBLE_DEBIAN_ARCHITECTURE})
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS
    ${CMAKE_SYSROOT}/usr/lib/${BRAMBLE_TRIPLET} ${CMAKE_SYSROOT}/lib/${BRAMBLE_TRIPLET})
  set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_SOURCE_DIR}/cross-toolchains/cpack.cmake)
endif()

set(sysusers "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(services "init-system-helpers (>= 1.54~)")

set(CPACK_DEBIAN_AGENT_PACKAGE_NAME ${agent_package})
if(NOT agent_package STREQUAL "bramble-agent")
  set(CPACK_DEBIAN_AGENT_PACKAGE_PROVIDES "bramble-agent (= ${PROJECT_VERSION})")
  set(CPACK_DEBIAN_AGENT_PACKAGE_CONFLICTS bramble-agent)
  set(CPACK_DEBIAN_AGENT_PACKAGE_REPLACES bramble-agent)
endif()
set(CPACK_DEBIAN_AGENT_PACKAGE_SECTION net)
set(CPACK_DEBIAN_AGENT_PACKAGE_PREDEPENDS "${services}")
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS "${sysusers}")
set(CPACK_DEBIAN_AGENT_PACKAGE_RECOMMENDS bubblewrap)
set(CPACK_DEBIAN_AGENT_PACKAGE_SUGGESTS bramble)
set(CPACK_COMPONENT_AGENT_DESCRIPTION "agent of a cluster of Raspberry Pis
The daemons of a node: bramble-agent tells the head of the cluster about load,
temperature and power over MQTT and takes tasks; bramble-warden, a process
apart, owns the tasks, which go on when the agent is upgraded or restarted.")
set(CPACK_DEBIAN_AGENT_PACKAGE_CONTROL_EXTRA
  ${made}/control/agent/postinst ${made}/control/agent/prerm ${made}/control/agent/postrm
  ${made}/control/agent/conffiles)

set(CPACK_DEBIAN_AGGREGATOR_PACKAGE_NAME bramble-aggregator)
set(CPACK_DEBIAN_AGGREGATOR_PACKAGE_SECTION net)
set(CPACK_DEBIAN_AGGREGATOR_PACKAGE_PREDEPENDS "${services}")
set(CPACK_DEBIAN_AGGREGATOR_PACKAGE_DEPENDS "mosquitto, bramble (= ${PROJECT_VERSION}), ${sysusers}")
set(CPACK_DEBIAN_AGGREGATOR_PACKAGE_RECOMMENDS "jq, openssh-client") # bramble-flash
set(CPACK_COMPONENT_AGGREGATOR_DESCRIPTION "head of a cluster of Raspberry Pis
The daemon of the head node: hands out work, stores what the nodes tell, and
switches their power through GPIO lines. It starts a Mosquitto of its own where
no broker is configured, beside the one that Debian's mosquitto package starts.")
set(CPACK_DEBIAN_AGGREGATOR_PACKAGE_CONTROL_EXTRA
  ${made}/control/aggregator/postinst ${made}/control/aggregator/prerm ${made}/control/aggregator/postrm
  ${made}/control/aggregator/conffiles)

set(CPACK_DEBIAN_CLI_PACKAGE_NAME bramble)
set(CPACK_DEBIAN_CLI_PACKAGE_SECTION net)
set(CPACK_DEBIAN_CLI_PACKAGE_SUGGESTS "bramble-agent, bramble-aggregator")
set(CPACK_COMPONENT_CLI_DESCRIPTION "command for a cluster of Raspberry Pis
Submits jobs to the head of a bramble, follows and explains them, and asks for
nodes, telemetry and energy. Where bramble-agent and bramble-aggregator are
installed too, its command local starts a whole cluster on one machine.")

set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-bramble)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3:any (>= 3.9~)")
set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "bramble, bramble-agent, bramble-aggregator") # Cluster.local()
set(CPACK_COMPONENT_PYTHON_DESCRIPTION "functions called on a cluster of Raspberry Pis (Python 3)
Calls Python functions on the nodes of a bramble: map over inputs of any
length, futures, an executor after concurrent.futures and a pool after
multiprocessing. The nodes need nothing but Python.")
if(has_python)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${made}/control/python/postinst ${made}/control/python/prerm)
  foreach(script postinst prerm)
    configure_file(${packaging}/python.${script} ${made}/control/python/${script} COPYONLY)
  endforeach()
endif()

# Under the names that dpkg knows them by.
foreach(part agent aggregator)
  foreach(script postinst prerm postrm conffiles)
    configure_file(${packaging}/${part}.${script} ${made}/control/${part}/${script} COPYONLY)
  endforeach()
endforeach()
if(BRAMBLE_TARGET STREQUAL "rpi-armv7")
  foreach(part ${parts})
    string(TOUPPER ${part} upper)
    set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
    configure_file(${packaging}/armv7.preinst ${made}/control/${part}/preinst @ONLY)
    list(APPEND CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA ${made}/control/${part}/preinst)
  endforeach()
endif()
include(CPack)

# Of what the package step has made. The containers need root and a mirror: ctest --preset packages -C whole.
add_test(NAME packages.lintian COMMAND ${packaging}/check-lintian ${CMAKE_BINARY_DIR}/packages)
set(tests packages.lintian)
if(NOT CMAKE_CROSSCOMPILING)
  foreach(place in_container in_containers)
    add_test(NAME packages.${place} COMMAND ${CMAKE_SOURCE_DIR}/tests/packages/${place}.sh ${CMAKE_BINARY_DIR}/packages
      CONFIGURATIONS whole)
    list(APPEND tests packages.${place})
  endforeach()
endif()
set_tests_properties(${tests} PROPERTIES LABELS packages SKIP_RETURN_CODE 77 TIMEOUT 900)

# In a virtual machine; for which processors there is one, it says itself (tests/packages/README.md).
add_test(NAME packages.in_vm COMMAND ${CMAKE_SOURCE_DIR}/tests/packages/in_vm.sh ${CMAKE_BINARY_DIR}/packages
  CONFIGURATIONS whole)
set_tests_properties(packages.in_vm PROPERTIES LABELS packages SKIP_RETURN_CODE 77 TIMEOUT 3600)
