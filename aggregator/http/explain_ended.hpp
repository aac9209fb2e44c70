// How tasks ended, from the store's rows, in the form in which the reactor explains those that wait. Pure.
#pragma once

#include <span>
#include <string>

#include "aggregator/core/store.hpp"

namespace bramble::aggregator::http {

// `task`: null for one that was cancelled before it was ever started.
std::string render_ended_task(const JobRow& job, TaskIndex index, const TaskRow* task);

// `tasks`: the first rows of the job; those that failed or were cancelled are grouped by how, and counted.
std::string render_ended_job(const JobRow& job, std::span<const TaskRow> tasks);

}  // namespace bramble::aggregator::http
