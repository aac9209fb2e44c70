// An MQTT broker that guarantees nothing: it loses, repeats, delays and reorders, and forgets when it restarts.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/random.hpp"
#include "faults.hpp"
#include "timeline.hpp"

namespace bramble::sim {

struct Client {
  std::string node;  // not empty: of the nodes' topics it wants none but this one's
  std::function<bool(const std::string& topic)> wants;
  std::set<std::string> filters;  // subscribed besides, on this connection; each ends with /#
  std::function<void(const std::string& topic, const std::string& payload)> receive;
  std::function<void()> on_connected;
  std::function<void()> on_disconnected;
  struct Will {
    std::string topic;
    std::string payload;
  };
  std::optional<Will> will;
  bool connected = false;
  bool cut = false;           // its cable is pulled: nothing goes either way
  bool mute = false;          // what it says is lost on the way
  int64_t deaf_until_ms = 0;  // what it is told waits until then, as in a stalled connection
  uint64_t connection = 0;    // counts its connections: what was on its way to an earlier one is lost
};

class Broker {
 public:
  Broker(Timeline& timeline, Random& random, const Faults& faults)
      : timeline_(timeline), random_(random), faults_(faults) {}

  bool calm = false;  // the bad time is over: nothing is lost, repeated or late any more

  void add(Client* client) {
    clients_.push_back(client);
    clients_of_[client->node].push_back(client);
  }

  void connect(Client& client) {
    const uint64_t attempt = ++client.connection;
    timeline_.after(random_.between(1, 30), [this, &client, attempt] {
      if (client.connection != attempt || client.connected) return;
      if (down_ || client.cut || client.mute) return client.on_disconnected();
      client.connected = true;
      client.deaf_until_ms = 0;
      client.filters.clear();
      client.on_connected();
      for (const auto& [topic, payload] : retained_) {
        if (client.node.empty() || is_of(client, topic)) send_to(client, topic, payload);
      }
    });
  }

  // With a goodbye, or torn away.
  void disconnect(Client& client, bool regular) {
    if (!client.connected) {
      ++client.connection;
      return;
    }
    client.connected = false;
    ++client.connection;
    if (!regular && client.will) publish(client.will->topic, client.will->payload, true);
    client.will.reset();
  }

  void publish_from(Client& client, const std::string& topic, const std::string& payload, bool retained) {
    if (!client.connected || client.cut || client.mute) return;
    publish(topic, payload, retained);
  }

  // Comes a moment later, or never; nobody is told.
  void subscribe(Client& client, const std::string& filter, bool on) {
    if (!client.connected || client.cut || client.mute || (!calm && random_.chance(faults_.message_lost))) return;
    timeline_.after(random_.between(0, 8), [&client, filter, on, connection = client.connection] {
      if (client.connection != connection) return;
      if (on) client.filters.insert(filter);
      if (!on) client.filters.erase(filter);
    });
  }

  // Any part of what it keeps may be gone afterwards.
  void restart(int64_t down_ms) {
    down_ = true;
    std::erase_if(retained_, [this](const auto&) { return random_.chance(0.3); });
    for (Client* client : clients_) {
      if (!client->connected) continue;
      client->connected = false;
      ++client->connection;
      client->on_disconnected();
    }
    timeline_.after(down_ms, [this] { down_ = false; });
  }

 private:
  void publish(const std::string& topic, const std::string& payload, bool retained) {
    if (retained) retained_[topic] = payload;
    const std::string_view node = node_of(topic);
    if (node.empty()) return send_to_all(clients_, topic, payload);
    send_to_all(clients_of_[""], topic, payload);
    if (const auto found = clients_of_.find(std::string(node)); found != clients_of_.end()) {
      send_to_all(found->second, topic, payload);
    }
  }

  void send_to_all(const std::vector<Client*>& clients, const std::string& topic, const std::string& payload) {
    for (Client* client : clients) {
      if (client->connected) send_to(*client, topic, payload);
    }
  }

  // Of bramble/CLUSTER/node/NODE/...; empty: it is no node's.
  static std::string_view node_of(std::string_view topic) {
    constexpr std::string_view kMark = "/node/";
    const size_t mark = topic.find(kMark);
    if (mark == std::string_view::npos) return {};
    topic.remove_prefix(mark + kMark.size());
    return topic.substr(0, topic.find('/'));
  }

  static bool is_of(const Client& client, std::string_view topic) {
    const std::string_view node = node_of(topic);
    return node.empty() || node == client.node;
  }

  static bool has_subscribed(const Client& client, const std::string& topic) {
    return !client.filters.empty() && client.filters.contains(topic.substr(0, topic.rfind('/') + 1) + "#");
  }

  int64_t delay_ms(const Client& client) {
    const bool late = !calm && random_.chance(faults_.message_late);
    const int64_t delay = late ? random_.between(20, 3000) : random_.between(1, 8);
    return std::max(delay, client.deaf_until_ms - timeline_.now_ms());
  }

  void send_to(Client& client, const std::string& topic, const std::string& payload) {
    if (!client.wants(topic) && !has_subscribed(client, topic)) return;
    if (!calm && random_.chance(faults_.message_lost)) return;
    const int copies = !calm && random_.chance(faults_.message_twice) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      timeline_.after(delay_ms(client), [&client, topic, payload, connection = client.connection] {
        if (client.connected && client.connection == connection && !client.cut) client.receive(topic, payload);
      });
    }
  }

  Timeline& timeline_;
  Random& random_;
  const Faults& faults_;
  bool down_ = false;
  std::vector<Client*> clients_;
  std::unordered_map<std::string, std::vector<Client*>> clients_of_;  // by their node; "": all that have none
  std::map<std::string, std::string> retained_;
};

}  // namespace bramble::sim
