# What the targets share; each target's own file sets what follows and includes this one:
#   BRAMBLE_TARGET, BRAMBLE_TRIPLET (of the compiler), BRAMBLE_PROCESSOR, BRAMBLE_DEBIAN_ARCHITECTURE (of the packages),
#   BRAMBLE_CPU_FLAGS, BRAMBLE_QEMU_NAME, BRAMBLE_QEMU_CPU
# CMake reads a toolchain file many times, also for each try_compile: it must be quick, and change nothing the second time.

# Debian's cross compilers bring libc and libstdc++ of their own release, so that the sysroot must be of the same one.
file(STRINGS /etc/os-release BRAMBLE_SUITE REGEX "^VERSION_CODENAME=")
string(REGEX REPLACE "^VERSION_CODENAME=\"?([a-z]*)\"?$" "\\1" BRAMBLE_SUITE "${BRAMBLE_SUITE}")
if(NOT BRAMBLE_SUITE MATCHES "^(bookworm|trixie)$")
  message(FATAL_ERROR "Cross-building works on Debian 12 (bookworm) and 13 (trixie), whose compilers and libraries fit each other; "
    "this is \"${BRAMBLE_SUITE}\". Build in a container of one of them, or on the Pi itself (./bootstrap build).")
endif()
find_program(BRAMBLE_CROSS_CXX ${BRAMBLE_TRIPLET}-g++ NO_CMAKE_FIND_ROOT_PATH)
find_program(BRAMBLE_QEMU ${BRAMBLE_QEMU_NAME}-static NO_CMAKE_FIND_ROOT_PATH)
if(NOT BRAMBLE_CROSS_CXX OR NOT BRAMBLE_QEMU)
  message(FATAL_ERROR "${BRAMBLE_TRIPLET}-g++ or ${BRAMBLE_QEMU_NAME}-static is missing: ./bootstrap cross installs what is needed.")
endif()

set(BRAMBLE_SYSROOT ${CMAKE_CURRENT_LIST_DIR}/../build/sysroots/${BRAMBLE_TARGET}-${BRAMBLE_SUITE}
  CACHE PATH "Made by cross-toolchains/make-sysroot")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES BRAMBLE_SYSROOT)
cmake_path(NORMAL_PATH BRAMBLE_SYSROOT)

get_property(in_try_compile GLOBAL PROPERTY IN_TRY_COMPILE)
if(NOT in_try_compile AND NOT BRAMBLE_SYSROOT_IS_MADE)
  execute_process(
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/make-sysroot ${BRAMBLE_TARGET} ${BRAMBLE_SUITE} ${BRAMBLE_SYSROOT}
    RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said OUTPUT_STRIP_TRAILING_WHITESPACE)
  message(STATUS "${said}")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "There is no sysroot: its reason stands above.")
  endif()
  set(BRAMBLE_SYSROOT_IS_MADE TRUE) # for this run of CMake
endif()

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${BRAMBLE_PROCESSOR})
set(CMAKE_LIBRARY_ARCHITECTURE ${BRAMBLE_TRIPLET})
set(CMAKE_SYSROOT ${BRAMBLE_SYSROOT})

set(CMAKE_C_COMPILER ${BRAMBLE_TRIPLET}-gcc)
set(CMAKE_CXX_COMPILER ${BRAMBLE_TRIPLET}-g++)

# Pi 5 has pages of 16 KiB, under 32-bit programs, too; the linkers' own 64 KiB make files larger.
# And hardened as Debian's own programs are, for packages are made of this.
set(CMAKE_C_FLAGS_INIT "${BRAMBLE_CPU_FLAGS} -ffunction-sections -fdata-sections -fstack-protector-strong -D_FORTIFY_SOURCE=2")
set(CMAKE_CXX_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-z,max-page-size=16384 -Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro -Wl,-z,now")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/${BRAMBLE_TRIPLET}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)

# ctest runs the target's programs by it.
set(CMAKE_CROSSCOMPILING_EMULATOR ${BRAMBLE_QEMU} -cpu ${BRAMBLE_QEMU_CPU} -L ${CMAKE_SYSROOT})
