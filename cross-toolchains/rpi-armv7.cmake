# Raspberry Pi 2, and 3 and later with a 32-bit system.
set(BRAMBLE_TARGET rpi-armv7)
set(BRAMBLE_TRIPLET arm-linux-gnueabihf)
set(BRAMBLE_PROCESSOR armv7l)
set(BRAMBLE_DEBIAN_ARCHITECTURE armhf)
set(BRAMBLE_CPU_FLAGS "-march=armv7-a+neon-vfpv4 -mfloat-abi=hard -D_FILE_OFFSET_BITS=64 -Wno-psabi")
set(BRAMBLE_QEMU_NAME qemu-arm)
set(BRAMBLE_QEMU_CPU cortex-a7)
include(${CMAKE_CURRENT_LIST_DIR}/rpi.cmake)
