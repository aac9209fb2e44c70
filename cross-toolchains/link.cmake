# How bramble-agent is linked; README.md says which way is chosen where, and why.
#   dynamic  every library is shared: it runs on the release that it was built for
#   semi     libc and OpenSSL are shared, the rest is inside: it runs on every release with OpenSSL 3
#   static   nothing is shared: it runs on every kernel
set(BRAMBLE_AGENT_LINK dynamic CACHE STRING "How bramble-agent is linked: dynamic, semi or static")
set_property(CACHE BRAMBLE_AGENT_LINK PROPERTY STRINGS dynamic semi static)
if(NOT BRAMBLE_AGENT_LINK MATCHES "^(dynamic|semi|static)$")
  message(FATAL_ERROR "BRAMBLE_AGENT_LINK is \"${BRAMBLE_AGENT_LINK}\"; it may be dynamic, semi or static")
endif()

# bramble_paho_source(<result>): the folder of Paho's C++ sources, fetched if need be.
function(bramble_paho_source result)
  set(suite ${BRAMBLE_SUITE})
  if(NOT suite)
    file(STRINGS /etc/os-release suite REGEX "^VERSION_CODENAME=")
    string(REGEX REPLACE "^VERSION_CODENAME=\"?([a-z]*)\"?$" "\\1" suite "${suite}")
  endif()
  set(BRAMBLE_PAHO_CPP ${CMAKE_SOURCE_DIR}/build/paho-cpp-${suite} CACHE PATH "Made by cross-toolchains/fetch-paho-cpp")
  execute_process(COMMAND ${CMAKE_SOURCE_DIR}/cross-toolchains/fetch-paho-cpp "${suite}" ${BRAMBLE_PAHO_CPP}
    RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE)
  message(STATUS "${said}")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "There is no archive of Paho's C++ library, nor its source: the reason stands above. "
      "BRAMBLE_AGENT_LINK=dynamic needs neither.")
  endif()
  set(${result} ${BRAMBLE_PAHO_CPP} PARENT_SCOPE)
endfunction()

# bramble_archive(<name> <file> [LIBS...]): a library to link from the system's archive, and what it needs in turn.
function(bramble_archive name file)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  find_library(BRAMBLE_ARCHIVE_${file} lib${file}.a REQUIRED)
  add_library(${name} STATIC IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${BRAMBLE_ARCHIVE_${file}})
  target_link_libraries(${name} INTERFACE ${ARG_LIBS})
endfunction()

# Paho's C++ library as bramble_paho_cpp: the system's archive, else one that is built here.
function(bramble_paho_cpp_archive)
  find_library(BRAMBLE_ARCHIVE_paho-mqttpp3 libpaho-mqttpp3.a)
  if(BRAMBLE_ARCHIVE_paho-mqttpp3)
    bramble_archive(bramble_paho_cpp paho-mqttpp3)
    return()
  endif()
  bramble_paho_source(source)
  file(GLOB files ${source}/src/*.cpp)
  add_library(bramble_paho_cpp STATIC EXCLUDE_FROM_ALL ${files})
  # Not our code: no warnings of ours, and its headers are the system's.
  target_include_directories(bramble_paho_cpp SYSTEM PRIVATE ${source}/src)
  target_compile_definitions(bramble_paho_cpp PRIVATE OPENSSL=1)
  target_compile_options(bramble_paho_cpp PRIVATE -w)
endfunction()

# bramble_link_choice(<name> <shared> <semi> <static>): a library to link that is one of three, after how the program is
# linked that uses it.
function(bramble_link_choice name shared semi static)
  set(how $<TARGET_PROPERTY:BRAMBLE_LINK>)
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE
    $<$<STREQUAL:${how},static>:${static}>
    $<$<STREQUAL:${how},semi>:${semi}>
    $<$<NOT:$<OR:$<STREQUAL:${how},static>,$<STREQUAL:${how},semi>>>:${shared}>)
endfunction()

# The archives behind the three choices below. libcrypto needs more of them on some releases, and 64-bit atomics on ARM.
if(BRAMBLE_AGENT_LINK STREQUAL "dynamic")
  foreach(name paho_semi paho_static crypto_static ssl_static zstd_static)
    add_library(bramble_${name} INTERFACE)
  endforeach()
else()
  pkg_check_modules(libcrypto REQUIRED libcrypto)
  set(crypto_needs ${libcrypto_STATIC_LIBRARIES})
  list(REMOVE_ITEM crypto_needs crypto)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm")
    list(APPEND crypto_needs atomic)
  endif()
  bramble_archive(bramble_crypto_static crypto LIBS ${crypto_needs})
  bramble_archive(bramble_ssl_static ssl LIBS bramble_crypto_static)
  bramble_archive(bramble_zstd_static zstd)
  bramble_paho_cpp_archive()
  bramble_archive(bramble_paho_c_semi paho-mqtt3as LIBS OpenSSL::SSL OpenSSL::Crypto)
  bramble_archive(bramble_paho_c_static paho-mqtt3as LIBS bramble_ssl_static)
  add_library(bramble_paho_semi INTERFACE)
  add_library(bramble_paho_static INTERFACE)
  target_link_libraries(bramble_paho_semi INTERFACE bramble_paho_cpp bramble_paho_c_semi)
  target_link_libraries(bramble_paho_static INTERFACE bramble_paho_cpp bramble_paho_c_static)
endif()

# What the agent links goes by these names, in place of PahoMqttCpp::paho-mqttpp3, OpenSSL::Crypto, OpenSSL::SSL and
# PkgConfig::zstd.
bramble_link_choice(bramble_paho PahoMqttCpp::paho-mqttpp3 bramble_paho_semi bramble_paho_static)
bramble_link_choice(bramble_crypto OpenSSL::Crypto OpenSSL::Crypto bramble_crypto_static)
bramble_link_choice(bramble_ssl OpenSSL::SSL OpenSSL::SSL bramble_ssl_static)
bramble_link_choice(bramble_zstd PkgConfig::zstd bramble_zstd_static bramble_zstd_static)

# bramble_link_agent(<target>): links it as BRAMBLE_AGENT_LINK says. The sanitizers need the shared libraries.
function(bramble_link_agent target)
  if(BRAMBLE_SANITIZE)
    return()
  endif()
  set_target_properties(${target} PROPERTIES BRAMBLE_LINK ${BRAMBLE_AGENT_LINK})
  if(BRAMBLE_AGENT_LINK STREQUAL "static")
    target_link_options(${target} PRIVATE -static)
  elseif(BRAMBLE_AGENT_LINK STREQUAL "semi")
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()
