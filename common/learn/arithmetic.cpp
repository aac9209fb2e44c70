#include "common/learn/arithmetic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bramble::learn {
namespace {

constexpr double kLog2E = 1.4426950408889634;
constexpr double kLn2High = 0.693145751953125;  // few digits: its product with a small whole number is exact
constexpr double kLn2Low = 1.4286068203094172e-06;
constexpr double kSqrtHalf = 0.7071067811865476;

// e^r for |r| <= ln(2) / 2: the series, whose next term is below 1e-17.
double exp_near_zero(double r) {
  double sum = 1;
  for (int term = 14; term > 0; --term) sum = 1 + sum * r / term;
  return sum;
}

}  // namespace

double exp_of(double x) {
  if (std::isnan(x)) return x;
  if (x < -708) return 0;
  if (x > 709) return std::numeric_limits<double>::infinity();
  const double twos = std::floor(x * kLog2E + 0.5);
  const double rest = (x - twos * kLn2High) - twos * kLn2Low;
  return std::ldexp(exp_near_zero(rest), static_cast<int>(twos));
}

double log_of(double x) {
  if (!(x > 0) || std::isinf(x)) return x == 0 ? -std::numeric_limits<double>::infinity() : x;
  int twos = 0;
  double mantissa = std::frexp(x, &twos);
  if (mantissa < kSqrtHalf) {
    mantissa *= 2;
    --twos;
  }
  // log m = 2 artanh((m - 1) / (m + 1)); the quotient is below 0.172.
  const double quotient = (mantissa - 1) / (mantissa + 1);
  const double square = quotient * quotient;
  double sum = 0;
  for (int odd = 25; odd > 0; odd -= 2) sum = sum * square + 1.0 / odd;
  return twos * kLn2High + (2 * quotient * sum + twos * kLn2Low);
}

double tanh_of(double x) {
  if (std::isnan(x)) return x;
  const double small = exp_of(-2 * std::fabs(x));
  return std::copysign((1 - small) / (1 + small), x);
}

double sigmoid_of(double x) {
  if (std::isnan(x)) return x;
  const double small = exp_of(-std::fabs(x));
  return x >= 0 ? 1 / (1 + small) : small / (1 + small);
}

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace bramble::learn
