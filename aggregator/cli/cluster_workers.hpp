// Gradients and evaluations from kernels `mlp` on the nodes.
#pragma once

#include "aggregator/cli/kernel_job.hpp"
#include "common/learn/trainer.hpp"

namespace bramble::cli {

class ClusterWorkers : public learn::Workers {
 public:
  ClusterWorkers(const learn::Training& training, Kernels& kernels) : training_(training), kernels_(kernels) {}

  Result<std::vector<learn::Gradient>> gradients(const std::vector<float>& parameters, uint32_t epoch,
                                                 uint32_t step) override;
  Result<learn::Evaluation> evaluate(const std::vector<float>& parameters, learn::Part part) override;

 private:
  const learn::Training& training_;
  Kernels& kernels_;
};

// The plan and its data as files for the kernels. The data's text is brought by `fetch`.
Result<std::vector<KernelFile>> files_for_kernels(const learn::Plan& plan, const learn::Fetch& fetch);

}  // namespace bramble::cli
