#!/bin/sh
# Settings come from the environment, as in the official image: KAFKA_NODE_ID=1 becomes node.id=1.
set -eu
home=/opt/kafka
properties=/tmp/server.properties
{
  env | grep '^KAFKA_' | grep -v -e '^KAFKA_CLUSTER_ID=' | while IFS= read -r line; do
    name=$(printf '%s' "${line%%=*}" | cut -c7- | tr 'A-Z_' 'a-z.')
    printf '%s=%s\n' "$name" "${line#*=}"
  done
  echo 'log.dirs=/tmp/kafka-data'
} >"$properties"
cat >/tmp/simplelogger.properties <<'END'
org.slf4j.simpleLogger.defaultLogLevel=warn
org.slf4j.simpleLogger.log.kafka.server=info
org.slf4j.simpleLogger.logFile=System.out
END
classpath="/tmp:$home/libs/*"
/opt/java/bin/java -XX:TieredStopAtLevel=1 -cp "$classpath" kafka.tools.StorageTool format --ignore-formatted \
  -t "${KAFKA_CLUSTER_ID:-4L6g3nShT-eMCtK--X86sw}" -c "$properties"
exec /opt/java/bin/java -Xms256m -Xmx256m -XX:+UseSerialGC -XX:-UsePerfData -cp "$classpath" kafka.Kafka "$properties"
