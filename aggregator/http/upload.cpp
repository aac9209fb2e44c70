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
    const auto blob = writer->finish();
    writer.reset();
    return blob ? json_reply(render_blob(*blob), 201) : error_reply(blob.error());
  }

  BlobFiles& files;
  Slot slot;
  std::unique_ptr<BlobWriter> writer;
};

Upload::Upload(Service& service, Slot slot)
    : pool_(service.upload_pool()), target_(new Target{service.files(), std::move(slot), nullptr}) {}

Upload::~Upload() {
  pool_->post([target = std::move(target_)] {});
}

bool Upload::write(bool last, std::function<void(std::optional<HttpReply>)> done) {
  return pool_->post([target = target_, bytes = std::exchange(gathered_, {}), last, done = std::move(done)] {
    done(target->write_piece(bytes, last));
  });
}

}  // namespace bramble::aggregator::http
