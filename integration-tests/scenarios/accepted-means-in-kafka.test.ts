/** A 2xx of the gateway means that Kafka has the event, in order for each service; without Kafka there is no 2xx. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startServer, type ServerProcess } from '../../infra/local/serverProcess.mjs'
import { freePort } from '../../infra/local/freePort.mjs'
import { openCodec } from '../../runtime/kafka/codec.ts'
import { readTopic } from '../../runtime/kafka/topicReader.ts'
import type { DeploymentEvent } from '../../schemas/generated/events.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { silentLog, startKafka, type KafkaHarness } from '../harness/kafka.ts'
import { makeTopics } from '../harness/topics.ts'

const SERVICES = Array.from({ length: 20 }, (_, index) => `production/service-${index}`)
const EVENTS_EACH = 25
const PUBLISH_TIMEOUT_MS = 2_000
const COME_BACK_MS_MAX = 60_000

let kafka: KafkaHarness
let gateway: ServerProcess
let url: string

before(async () => {
  kafka = await startKafka({ broker: true, registry: true })
  const stateFolder = join(kafka.folder, 'state')
  await makeTopics(kafka.brokers, kafka.registryUrl, stateFolder)
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  gateway = await startServer({
    name: 'gateway',
    command: process.execPath,
    args: ['--disable-warning=TimeoutNegativeWarning', 'producers/main.ts'],
    cwd: join(import.meta.dirname, '../..'),
    env: {
      ...process.env,
      KAFKA_BROKERS: kafka.brokers,
      SCHEMA_REGISTRY_URL: kafka.registryUrl,
      DEVOPS_STATE_FOLDER: stateFolder,
      DEVOPS_GATEWAY_PORT: String(port),
      DEVOPS_GATEWAY_PUBLISH_TIMEOUT_MS: String(PUBLISH_TIMEOUT_MS),
    },
    logPath: join(kafka.folder, 'gateway.log'),
    ready: async () => (await statusOf('/readyz')) === 200,
    readyLimitMs: 60_000,
  })
})
after(async () => {
  await (gateway as ServerProcess | undefined)?.stop()
  await (kafka as KafkaHarness | undefined)?.stop()
})

async function statusOf(path: string): Promise<number> {
  try {
    return (await fetch(url + path)).status
  } catch {
    return 0
  }
}

async function send(service: string, key: string): Promise<Response> {
  return fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'deployment', id: `${service} ${key}`, service, key, phase: 'started' }),
  })
}

interface Stored {
  readonly event: DeploymentEvent
  readonly partition: number
}

async function stored(): Promise<Stored[]> {
  const codec = await openCodec({
    registryUrl: kafka.registryUrl,
    cacheFolder: join(kafka.folder, 'reader-schemas'),
    log: silentLog,
  })
  const found: Stored[] = []
  const reader = await readTopic(kafka.kafka, codec, {
    topic: 'devops.deployments',
    from: 'beginning',
    follow: false,
    onRecord: ({ partition }, event) => {
      if (event !== null) found.push({ event, partition })
    },
  })
  await reader.caughtUp
  await reader.close()
  return found
}

async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + COME_BACK_MS_MAX
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `not within ${COME_BACK_MS_MAX} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

test('what was accepted is in the log: all of it, once, in order for each service', async () => {
  const accepted: string[] = []
  await Promise.all(
    SERVICES.map(async (service) => {
      for (let number = 0; number < EVENTS_EACH; number += 1) {
        const answer = await send(service, String(number))
        assert.equal(answer.status, 202)
        accepted.push(...((await answer.json()) as { ids: string[] }).ids)
      }
    }),
  )
  const found = await stored()
  assert.equal(accepted.length, SERVICES.length * EVENTS_EACH)
  assert.deepEqual(found.map(({ event }) => event.id).sort(), accepted.sort())
  for (const service of SERVICES) {
    const own = found.filter(({ event }) => event.service === service)
    assert.deepEqual([...new Set(own.map(({ partition }) => partition))], [partitionOf(service)])
    assert.deepEqual(
      own.map(({ event }) => event.key),
      Array.from({ length: EVENTS_EACH }, (_, number) => `events:${number}`),
    )
  }
})

test('while the broker is away nothing is accepted; afterwards a repeat is', async (t) => {
  if (kafka.brokerPid === null) {
    t.skip('the broker was given from outside and cannot be stopped here')
    return
  }
  const service = 'production/unlucky'
  await kafka.killBroker()
  for (let number = 0; number < 3; number += 1) {
    const begun = Date.now()
    const answer = await send(service, String(number))
    assert.equal(answer.status, 503)
    assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/)
    assert.ok(Date.now() - begun < PUBLISH_TIMEOUT_MS * 3, 'the sender is told in time')
    const { error } = (await answer.json()) as { error: { retryable: boolean; message: string } }
    assert.equal(error.retryable, true)
    assert.match(error.message, /repeat is harmless/)
  }
  await eventually('not ready without a broker', async () => (await statusOf('/readyz')) === 503)
  assert.equal(await statusOf('/healthz'), 200)

  await kafka.startBroker()
  for (let number = 0; number < 3; number += 1) {
    await eventually('the repeat is accepted', async () => (await send(service, String(number))).status === 202)
  }
  await eventually('ready again', async () => (await statusOf('/readyz')) === 200)
  const ids = new Set((await stored()).map(({ event }) => event.id))
  for (let number = 0; number < 3; number += 1) assert.ok(ids.has(`${service} ${number}`))
  assert.equal(
    [...ids].filter((id) => !id.startsWith(service)).length,
    SERVICES.length * EVENTS_EACH,
    'nothing is lost',
  )
})

/** A request on a connection of its own, so that what the gateway has received is known by the connection. */
async function begin(service: string, key: string): Promise<{ answered: () => Promise<string>; finish: () => void }> {
  const body = JSON.stringify({ type: 'deployment', id: `${service} ${key}`, service, key, phase: 'started' })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let got = ''
  socket.on('data', (part) => (got += part.toString()))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve()
    })
  })
  const continued = new Promise<void>((resolve) => {
    socket.once('data', () => {
      resolve()
    })
  })
  socket.write(
    'POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`,
  )
  // 100 Continue: the gateway has the request and waits for its body.
  await continued
  return {
    finish: () => socket.write(body),
    async answered() {
      await closed
      return got
    },
  }
}

test('SIGTERM lets every request that was received come to its answer', async () => {
  const service = 'production/last'
  const requests = await Promise.all(Array.from({ length: 50 }, (_, number) => begin(service, String(number))))
  process.kill(gateway.pid, 'SIGTERM')
  await eventually('no new connection is taken', async () => (await statusOf('/healthz')) === 0)
  for (const { finish } of requests) finish()
  for (const [number, { answered }] of requests.entries()) {
    assert.match(await answered(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /, String(number))
  }
  assert.equal((await gateway.exited).code, 0)
  const ids = new Set((await stored()).map(({ event }) => event.id))
  for (const number of requests.keys()) assert.ok(ids.has(`${service} ${number}`), String(number))
})
