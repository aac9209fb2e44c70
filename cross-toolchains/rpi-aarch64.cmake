# Raspberry Pi 3, 4, 5, Zero 2 W with a 64-bit system.
set(BRAMBLE_TARGET rpi-aarch64)
set(BRAMBLE_TRIPLET aarch64-linux-gnu)
set(BRAMBLE_PROCESSOR aarch64)
set(BRAMBLE_DEBIAN_ARCHITECTURE arm64)
set(BRAMBLE_CPU_FLAGS "-march=armv8-a+crc -mtune=cortex-a53")
set(BRAMBLE_QEMU_NAME qemu-aarch64)
set(BRAMBLE_QEMU_CPU cortex-a53)
include(${CMAKE_CURRENT_LIST_DIR}/rpi.cmake)
