# Raspberry Pi Zero (W) and 1. Debian's hard-float compiler puts ARMv7 code into every program; its soft-float one (armel)
# does not, and may use the floating-point unit. Raspberry Pi OS has no loader for such programs: they must be static.
set(BRAMBLE_TARGET rpi-armv6)
set(BRAMBLE_TRIPLET arm-linux-gnueabi)
set(BRAMBLE_PROCESSOR armv6l)
set(BRAMBLE_DEBIAN_ARCHITECTURE armhf) # what Raspberry Pi OS calls itself there; the sysroot is of armel
set(BRAMBLE_CPU_FLAGS "-mcpu=arm1176jzf-s -mfpu=vfp -mfloat-abi=softfp -marm -D_FILE_OFFSET_BITS=64 -Wno-psabi")
set(BRAMBLE_QEMU_NAME qemu-arm)
set(BRAMBLE_QEMU_CPU arm1176)
include(${CMAKE_CURRENT_LIST_DIR}/rpi.cmake)
