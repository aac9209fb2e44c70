#include "integration/http/server_fixture.hpp"

#include <httplib.h>

#include <nlohmann/json.hpp>

namespace bramble::aggregator::http {
namespace {

constexpr time_t kPatienceS = 20;

Response to_response(const httplib::Result& result) {
  Response response;
  if (!result) return response;
  response.status = result->status;
  response.body = result->body;
  for (const auto& [name, value] : result->headers) response.headers.emplace(name, value);
  return response;
}

httplib::Headers to_headers(const Headers& headers) {
  httplib::Headers list;
  for (const auto& [name, value] : headers) list.emplace(name, value);
  return list;
}

httplib::Client client_for(const std::string& unix_path) {
  httplib::Client client(unix_path);
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(kPatienceS);
  return client;
}

}  // namespace

std::string Response::header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

std::string Response::error() const {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("error")) return "(no error in: " + body + ")";
  return json["error"];
}

ServerTest::ServerTest() {
  options.unix_path = dir_ / "api.sock";
  options.tcp_listen = "127.0.0.1:0";
  options.token = "sesame";
}

void ServerTest::start() {
  if (server_) return;
  Backend backend{port_.port(), jobs_, sql_, telemetry_, files_};
  backend.refused = [this](Refused refused) {
    const std::lock_guard lock(refused_mutex_);
    refused_.push_back(std::move(refused));
  };
  auto server = Server::start(options, std::move(backend));
  if (!server) throw std::runtime_error(server.error().message);
  server_ = std::move(*server);
}

std::vector<Refused> ServerTest::refused() {
  const std::lock_guard lock(refused_mutex_);
  return refused_;
}

Response ServerTest::get(const std::string& path) {
  start();
  return to_response(client_for(options.unix_path).Get(path));
}

Response ServerTest::post(const std::string& path, const std::string& body, const Headers& headers) {
  start();
  return to_response(client_for(options.unix_path).Post(path, to_headers(headers), body, "application/json"));
}

Response ServerTest::send(const std::string& method, const std::string& path) {
  start();
  httplib::Request request;
  request.method = method;
  request.path = path;
  return to_response(client_for(options.unix_path).send(request));
}

Response ServerTest::tcp_get(const std::string& path, const Headers& headers) {
  start();
  httplib::Client client("127.0.0.1", server_->tcp_port());
  client.set_read_timeout(kPatienceS);
  return to_response(client.Get(path, to_headers(headers)));
}

Response ServerTest::tcp_post(const std::string& path, const std::string& body, const Headers& headers) {
  start();
  httplib::Client client("127.0.0.1", server_->tcp_port());
  client.set_read_timeout(kPatienceS);
  return to_response(client.Post(path, to_headers(headers), body, "application/json"));
}

void ServerTest::poll_in_background(test::RawSocket& socket, const std::string& path) {
  socket.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
}

}  // namespace bramble::aggregator::http
