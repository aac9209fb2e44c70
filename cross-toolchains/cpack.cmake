# Read by CPack before it makes packages of another architecture than this machine's: dpkg-shlibdeps takes the target's
# objdump by it, and the symbols that are the target's.
set(ENV{DEB_HOST_ARCH} ${CPACK_DEBIAN_PACKAGE_ARCHITECTURE})
