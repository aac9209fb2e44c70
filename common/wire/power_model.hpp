// Watts of a node without a meter, from how busy it is; and the coefficients from one that has a meter. Pure. Nodes
// reckon with it, the head calibrates.
//
//   P = idle_w + (busy_w - idle_w) * u * f
//
// u: the share of all cores' time that they worked. f: the clock's share of its highest; 1 where it is not known.
//
// Where it comes from: in CMOS the power above idle is that of switching, C * V^2 * frequency, for the share of time
// that a core works (Fan, Weber and Barroso 2007 found the same line in u for whole servers). V is taken as constant,
// although a Raspberry Pi lowers it a little with the clock. What neither the CPUs nor their clock show is not in it:
// USB devices, a busy GPU, a bad supply. idle_w and busy_w are those at the wall.
#pragma once

#include <vector>

#include "common/base/result.hpp"
#include "common/wire/messages.hpp"

namespace bramble::wire {

double modelled_power_w(const PowerModel& model, double busy_ratio, double frequency_ratio);

// What a metered node showed: load is u * f of the formula above.
struct MeteredPoint {
  double load = 0;
  double power_w = 0;
};

// The line of least squares through the points, as a model for nodes of the same kind that have no meter. Refused with
// a sentence: fewer than 10 points, loads that all lie within a fifth of the scale, watts that fall with the load.
Result<PowerModel> fit_power_model(const std::vector<MeteredPoint>& points);

}  // namespace bramble::wire
