#include "aggregator/http/upload.hpp"

#include "aggregator/http/render.hpp"

namespace bramble::aggregator::http {

// What the workers use, in turn.
struct Upload::Target {
  Status write(std::string_view bytes) {
    if (!writer) {
      auto begun = files.begin_blob();
      if (!begun) return tl::unexpected(begun.error());
      writer = std::move(*begun);
    }
    return bytes.empty() ? Status{} : writer->write(bytes);
  }

  std::optional<HttpReply> write_piece(std::string_view bytes, bool last) {
    if (const Status written = write(bytes); !written) {
      writer.reset();
      return error_reply(written.error());
    }
    if (!last) return std::nullopt;
    const auto finished = writer->finish();
    writer.reset();
    if (!finished) return error_reply(finished.error());
    blob = *finished;
    return std::nullopt;
  }

  BlobFiles& files;
  Slot slot;
  std::optional<wire::BlobRef> blob;  // when all is written
  std::unique_ptr<BlobWriter> writer;
};

Upload::Upload(Service& service, Slot slot)
    : service_(service.shared_from_this()),
      pool_(service.upload_pool()),
      target_(new Target{service.files(), std::move(slot), {}, nullptr}) {}

Upload::~Upload() {
  pool_->post([target = std::move(target_)] {});
}

bool Upload::write(bool last, std::function<void(std::optional<HttpReply>)> done) {
  return pool_->post(
      [service = service_, target = target_, bytes = std::exchange(gathered_, {}), last, done = std::move(done)] {
        auto failed = target->write_piece(bytes, last);
        if (!target->blob) return done(std::move(failed));
        service->keep_blob(*target->blob, [done](HttpReply reply) { done(std::move(reply)); });
      });
}

}  // namespace bramble::aggregator::http
