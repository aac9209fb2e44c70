#include "aggregator/power/gpio_pin.hpp"

#include "aggregator/power/gpio_find.hpp"

namespace bramble::aggregator {
namespace {

GpioPull pull_of(const std::string& pull) {
  if (pull == "up") return GpioPull::up;
  return pull == "down" ? GpioPull::down : GpioPull::as_is;
}

std::string in_use(const GpioPlace& place, const std::string& consumer) {
  const std::string line = place.chip + " " + (place.offset ? std::to_string(*place.offset) : place.line);
  if (consumer == kGpioConsumer) {
    return line + " is held by another bramble: a press that is not over, or a second aggregator";
  }
  return line + " is " + in_use_by(consumer);
}

}  // namespace

Result<std::unique_ptr<GpioRequest>> GpioPin::request() {
  const auto found = find_gpio(*api_, place_);
  const Status settled = settle_(found ? gpio_place_id(*found) : "");
  if (!found) return tl::unexpected<Error>(found.error());
  if (!settled) return tl::unexpected<Error>(settled.error());
  auto request =
      api_->request(found->path, {found->offset, place_.active_low, place_.open_drain, input_, pull_of(place_.pull)});
  if (request || request.error().code != ErrorCode::conflict) return request;
  const auto now = api_->line(found->path, found->offset);  // who has it may have come after the first look
  return fail(ErrorCode::conflict, in_use(place_, now ? now->consumer : found->info.consumer));
}

Status GpioPin::take() {
  auto taken = request();
  if (!taken) return tl::unexpected<Error>(taken.error());
  if (!input_) {
    const auto level = (*taken)->get();
    if (!level) return tl::unexpected<Error>(level.error());
    if (auto status = (*taken)->make_output(*level); !status) return status;
  }
  request_ = std::move(*taken);
  return {};
}

void GpioPin::release() {
  request_.reset();
  (void)settle_("");
}

Result<bool> GpioPin::read() {
  if (!request_) return fail(ErrorCode::unavailable, "the line is not taken");
  return request_->get();
}

Status GpioPin::drive(bool level) {
  if (!request_) return fail(ErrorCode::unavailable, "the line is not taken");
  return request_->set(level);
}

}  // namespace bramble::aggregator
