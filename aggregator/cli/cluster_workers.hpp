// Gradients and evaluations from kernels `mlp` on the nodes.
#pragma once

#include "aggregator/cli/kernel_job.hpp"
#include "common/learn/trainer.hpp"

namespace bramble::cli {

// In how many tasks calls go where so many run at once, and calls like these took so long together the last time: one
// for each slot, for a task costs some milliseconds; but several where that is little against the work, so that a fast
// node does not wait for a slow one.
size_t task_count(size_t calls, uint64_t result_bytes, uint64_t slots, int64_t last_ms);

class ClusterWorkers : public learn::Workers {
 public:
  ClusterWorkers(const learn::Training& training, Kernels& kernels) : training_(training), kernels_(kernels) {}

  void set_slots(uint64_t slots) { slots_ = slots; }  // of the nodes, now: they come and go. Changes no result

  Result<std::vector<learn::Gradient>> gradients(const std::vector<float>& parameters, uint32_t epoch,
                                                 uint32_t step) override;
  Result<learn::Evaluation> evaluate(const std::vector<float>& parameters, learn::Part part) override;

 private:
  Result<std::vector<std::string>> ask(const std::vector<std::string>& calls, const KernelFile& parameters,
                                       uint64_t result_bytes, int64_t& last_ms);

  const learn::Training& training_;
  Kernels& kernels_;
  uint64_t slots_ = 1;
  int64_t gradients_ms_ = 0;  // the last step
  int64_t evaluation_ms_ = 0;
};

// The plan and its data as files for the kernels. The data's text is brought by `fetch`.
Result<std::vector<KernelFile>> files_for_kernels(const learn::Plan& plan, const learn::Fetch& fetch);

}  // namespace bramble::cli
