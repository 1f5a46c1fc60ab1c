import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { runCommand } from './command.mjs'
import { freePort } from './freePort.mjs'
import { javaCommand } from './java.mjs'
import { startServer } from './serverProcess.mjs'

const readyLimitMs = 90_000
const stopLimitMs = 30_000
const startsMax = 3

/**
 * One KRaft node (broker and controller) on the loopback address. `folder` keeps its data over restarts, `jars` is what
 * fetchKafka() gave. Without `port` a free one is taken at each start: clients get the address from who started it.
 */
export async function startBroker({ folder, port, jars, logPath, signal, onSpawn }) {
  const home = resolve(folder)
  for (let start = 1; ; start += 1) {
    try {
      return await startOnce(
        home,
        port ?? (await freePort()),
        jars,
        logPath ?? join(home, 'broker.log'),
        signal,
        onSpawn,
      )
    } catch (error) {
      // Between choosing a free port and listening on it another program can be quicker.
      const taken = error.tail?.some((line) => line.includes('Address already in use'))
      if (port !== undefined || !taken || start === startsMax) throw error
    }
  }
}

async function startOnce(home, port, jars, logPath, signal, onSpawn) {
  const controllerPort = await freePort()
  await mkdir(home, { recursive: true })
  const properties = join(home, 'server.properties')
  await writeFile(properties, serverProperties(join(home, 'data'), port, controllerPort))
  await writeFile(join(home, 'simplelogger.properties'), simpleLogger)
  const classPath = [home, join(jars, '*')].join(delimiter)
  const env = { ...process.env, LC_ALL: 'C' }
  if (!existsSync(join(home, 'data', 'meta.properties'))) {
    // An id that begins with a dash would be taken for an option.
    const clusterId = `k${randomBytes(16).toString('base64url').slice(1)}`
    await runCommand(
      'formatting the data folder of the broker',
      javaCommand(),
      [
        '-XX:TieredStopAtLevel=1',
        '-cp',
        classPath,
        'kafka.tools.StorageTool',
        'format',
        '--ignore-formatted',
        '-t',
        clusterId,
        '-c',
        properties,
      ],
      { cwd: home, env, limitMs: 60_000, signal },
    )
  }
  let started = false
  const server = await startServer({
    name: 'Kafka',
    command: javaCommand(),
    args: [
      '-Xms256m',
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:-UsePerfData',
      // The quick compiler alone halves the processor time of a start; one node moves bytes and seldom computes.
      '-XX:TieredStopAtLevel=1',
      '-cp',
      classPath,
      'kafka.Kafka',
      properties,
    ],
    cwd: home,
    env,
    logPath,
    readyLimitMs,
    stopLimitMs,
    signal,
    onSpawn,
    onLine: (line) => {
      if (line.includes('Kafka Server started')) started = true
    },
    ready: () => started,
  })
  return { ...server, port, brokers: `127.0.0.1:${port}` }
}

const serverProperties = (data, port, controllerPort) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${data}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
# A machine that was off for longer than the default week still finds where it stopped.
offsets.retention.minutes=525600
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# The default takes 128 MB of the heap.
log.cleaner.dedupe.buffer.size=8388608
log.cleaner.backoff.ms=1000
# After a kill the node may not register again before its old session has ended.
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
`

const simpleLogger = `org.slf4j.simpleLogger.defaultLogLevel=warn
org.slf4j.simpleLogger.log.kafka.server=info
org.slf4j.simpleLogger.showDateTime=true
org.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS
org.slf4j.simpleLogger.logFile=System.out
`
