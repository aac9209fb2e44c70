#include <gmock/gmock.h>

#include <cstdio>

#include "aggregator/power/gpio_api.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  std::printf("%s\n", bramble::aggregator::gpio_library().c_str());
  return RUN_ALL_TESTS();
}
