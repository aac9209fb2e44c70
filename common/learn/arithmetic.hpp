// Functions that have the same bits on every machine: those of the C library differ between versions and processors.
// Good to about 1e-15 of their value. Pure.
#pragma once

#include <vector>

namespace bramble::learn {

double exp_of(double x);   // 0 below -708, infinite above 709
double log_of(double x);   // x > 0
double tanh_of(double x);  // good to 1e-15 as such: near 0 its digits are those of 1 - 1
double sigmoid_of(double x);

bool all_finite(const std::vector<float>& values);

}  // namespace bramble::learn
