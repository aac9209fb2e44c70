#include "common/learn/calls.hpp"

#include "common/learn/bytes.hpp"

namespace bramble::learn {
namespace {

constexpr size_t kMaxFileName = 255;
constexpr size_t kMaxFloats = size_t{4} << 20;  // a call and its result have 16 MiB

enum class Kind : uint8_t { gradient, evaluation, answer };

// The name of a file in the kernel's own directory, and of no other.
bool is_plain(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name.front() != '.';
}

tl::unexpected<Error> senseless(const char* what) {
  return fail(ErrorCode::corrupt, std::string(what) + ": it is cut off, or makes no sense");
}

LearnCall read_gradient_call(Reader& reader) {
  GradientCall call;
  call.epoch = reader.number<uint32_t>();
  call.step = reader.number<uint32_t>();
  call.shard = reader.number<uint32_t>();
  call.parameters = reader.text(kMaxFileName);
  if (!is_plain(call.parameters)) reader.refuse();
  return call;
}

LearnCall read_evaluation_call(Reader& reader) {
  EvaluationCall call;
  call.part = reader.choice(Part::validation);
  call.first = reader.number<uint32_t>();
  call.count = reader.number<uint32_t>();
  call.parameters = reader.text(kMaxFileName);
  if (!is_plain(call.parameters)) reader.refuse();
  return call;
}

void write(Writer& writer, const GradientCall& call) {
  writer.number(Kind::gradient);
  for (const uint32_t number : {call.epoch, call.step, call.shard}) writer.number(number);
  writer.text(call.parameters);
}

void write(Writer& writer, const EvaluationCall& call) {
  writer.number(Kind::evaluation);
  writer.number(call.part);
  for (const uint32_t number : {call.first, call.count}) writer.number(number);
  writer.text(call.parameters);
}

void write(Writer& writer, const AnswerCall& call) {
  writer.number(Kind::answer);
  writer.list(call.rows);
}

}  // namespace

std::string encode_call(const LearnCall& call) {
  Writer writer;
  std::visit([&writer](const auto& each) { write(writer, each); }, call);
  return writer.take();
}

Result<LearnCall> decode_call(std::string_view bytes) {
  Reader reader(bytes);
  LearnCall call;
  switch (reader.choice(Kind::answer)) {
    case Kind::gradient:
      call = read_gradient_call(reader);
      break;
    case Kind::evaluation:
      call = read_evaluation_call(reader);
      break;
    case Kind::answer:
      call = AnswerCall{reader.list<float>(kMaxFloats)};
      break;
  }
  if (!reader.at_end()) return senseless("a call of learning");
  return call;
}

std::string encode_gradient(const Gradient& gradient) {
  Writer writer;
  writer.number(gradient.rows);
  writer.number(gradient.correct);
  writer.number(gradient.loss_sum);
  writer.list(gradient.values);
  return writer.take();
}

Result<Gradient> decode_gradient(std::string_view bytes, size_t parameters) {
  Reader reader(bytes);
  Gradient gradient;
  gradient.rows = reader.number<uint32_t>();
  gradient.correct = reader.number<uint32_t>();
  gradient.loss_sum = reader.number<double>();
  gradient.values = reader.list<float>(kMaxParameters);
  if (!reader.at_end() || gradient.rows == 0 || gradient.values.size() != parameters) return senseless("a gradient");
  return gradient;
}

std::string encode_evaluation(const Evaluation& evaluation) {
  Writer writer;
  writer.number(evaluation.rows);
  writer.number(evaluation.loss_sum);
  writer.list(evaluation.confusion);
  return writer.take();
}

Result<Evaluation> decode_evaluation(std::string_view bytes, size_t classes) {
  Reader reader(bytes);
  Evaluation evaluation;
  evaluation.rows = reader.number<uint64_t>();
  evaluation.loss_sum = reader.number<double>();
  evaluation.confusion = reader.list<uint64_t>(kMaxClasses * kMaxClasses);
  if (!reader.at_end() || evaluation.confusion.size() != classes * classes) return senseless("an evaluation");
  return evaluation;
}

std::string encode_floats(const std::vector<float>& values) {
  Writer writer;
  writer.list(values);
  return writer.take();
}

Result<std::vector<float>> decode_floats(std::string_view bytes) {
  Reader reader(bytes);
  auto values = reader.list<float>(kMaxFloats);
  if (!reader.at_end()) return senseless("a list of numbers");
  return values;
}

}  // namespace bramble::learn
