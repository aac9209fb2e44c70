// Inputs that several nodes want at the same time, with real daemons and a real broker.
#include "local_cluster.hpp"

namespace bramble::test {
namespace {

// Each chunk that the aggregator publishes is a line "TOPIC BYTES" of the file `chunks`.
const std::string kWatch = R"sh(
cd $DIR
broker=$DIR/cluster/aggregator/broker
as_head() {
  local program=$1
  shift
  exec $program -h 127.0.0.1 -p $(jq -r .url $broker/client.json | cut -d: -f3) \
    -u $(jq -r .username $broker/client.json) -P "$(cat $broker/password)" -V 5 "$@"
}
as_head 'stdbuf -oL mosquitto_sub' -F '%t %l' -d -t 'bramble/+/blob/#' -t 'bramble/+/node/+/blob/down/#' >chunks &
trap "kill $!" EXIT
until grep -q SUBACK chunks; do sleep 0.02; done
# All that was published before has been written to the file.
marks=0
settle() {
  marks=$((marks + 1))
  (as_head mosquitto_pub -t bramble/x/blob/mark$marks -m x)
  until grep -q "mark$marks " chunks; do sleep 0.02; done
}
# Bytes of one input on topics that have WHERE in them: bytes_of SHA256 WHERE
bytes_of() { awk -v sha=$1 -v where=$2 '/^bramble/ && index($1, sha) && index($1, where) {sum += $2} END {print sum + 0}' chunks; }
sha_of() { sha256sum <$1 | cut -c 1-64; }
# Who has pulled something has its connection for files.
seq 1 20000 >warm
for n in 1 2 3; do bramble run --on local0$n --input warm -- true; done
)sh";

TEST_F(LocalCluster, AnInputThatSeveralNodesWantIsPublishedOnce) {
  // Where the machine is busy, a node may come too late for the others: then other bytes are tried.
  const auto result = run(3, kWatch + R"sh(
size=8388608
for i in $(seq 20); do
  head -c $size /dev/urandom >in
  sha=$(sha_of in)
  bramble submit --array 1-3 --input in --wait -- sha256sum in >/dev/null
  [ $(bramble job cat last | grep -c $sha) = 3 ] || echo damaged
  settle
  [ $(bytes_of $sha blob/) -le $((size * 11 / 10)) ] && break
done
echo $(($(bytes_of $sha blob/) * 10 / size)) tenths, $(($(bytes_of $sha /down/) / size)) alone
)sh",
                          "--slots 1");
  EXPECT_EQ(result.out, "10 tenths, 0 alone\n") << result.err;
}

// It is stopped while the others ask, and until they have all.
TEST_F(LocalCluster, ANodeThatComesLateGetsASharedInputAlone) {
  const auto result = run(3, kWatch + R"sh(
size=8388608
head -c $size /dev/urandom >in
sha=$(sha_of in)
late=$(jq .nodes.local03.agent $PIDS)
kill -STOP $late
job=$(bramble submit --on-node-loss fence --array 1-3 --input in -- sha256sum in)
until [ $(bramble job info $job --json | jq '.[0].tasks.succeeded') -ge 2 ]; do sleep 0.05; done
kill -CONT $late
bramble job wait $job
bramble job cat $job | grep -c $sha
settle
[ $(bytes_of $sha node/local03/) -ge $size ] && echo alone
)sh",
                          "--slots 1");
  EXPECT_EQ(result.out, "3\nalone\n") << result.err;
}

// Their connections end in the middle, and what was on its way is lost.
TEST_F(LocalCluster, ASharedInputArrivesAlthoughTheBrokerDies) {
  const auto result = run(3, kWatch + R"sh(
head -c 50000000 /dev/urandom >in
sha=$(sha_of in)
job=$(bramble submit --array 1-3 --input in -- sha256sum in)
until grep -q $sha chunks; do sleep 0.01; done
kill -KILL $(jq -r .broker $PIDS)
bramble job wait $job
bramble job cat $job | grep -c $sha
)sh",
                          "--slots 1");
  EXPECT_EQ(result.out, "3\n") << result.err;
}

}  // namespace
}  // namespace bramble::test
