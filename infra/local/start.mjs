/** `npm start`: everything on this machine, from the broker to the MCP endpoint. `--help` lists the options. */
import { mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fetchKafka, fetchRegistry } from './artifacts.mjs'
import { startBroker } from './broker.mjs'
import { runCommand } from './command.mjs'
import { buildEngine, installPackages } from './installation.mjs'
import { setLogAside } from './logFile.mjs'
import { lackingTools, portProblems } from './machine.mjs'
import { pinnedNode, processStart } from './processes.mjs'
import { startRegistry } from './registryProcess.mjs'
import { startServer } from './serverProcess.mjs'
import { disagreements, readSettings } from './settings.mjs'
import { lockState } from './startLock.mjs'
import { step } from './step.mjs'
import { startPatiently, supervise } from './supervisor.mjs'
import { welcome } from './welcome.mjs'

const usage = `npm start [-- options]
  --demo         adds a synthetic fleet, labelled as such, so that there is something to look at
  --seed N       seed of the synthetic fleet (default 1); the same seed gives the same fleet
  --state DIR    folder of all state (default .state)
  --help`

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const kafkaSetupLimitMs = 120_000
const repeatedSignalMs = 1_000
const say = (line) => process.stdout.write(`${line}\n`)

class Refused extends Error {}

const options = parseOptions()
const settings = settingsOrEnd()
const running = []
/** Aborted by a stop signal and by the first thing that fails to start. */
const halt = new AbortController()
const stop = onStopSignal()
// The terminal may be gone before what was started in it has stopped.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

process.exitCode = await main().catch((error) => {
  if (stop.asked()) return 0
  process.stderr.write(`\n${error.message}\n`)
  return 1
})

async function main() {
  const needsJava = settings.brokers === null || settings.registryUrl === null
  const problems = await lackingTools({ repository, needsJava })
  // Before the ports: what a killed start left behind would hold them.
  const lock = await lockState(settings.state, say)
  try {
    problems.push(...(await portProblems(settings.listeners)))
    if (problems.length > 0) throw new Refused(problems.join('\n'))
    await startAll(lock)
    say(welcome({ settings, repository, servers: running, demo: options.demo }))
    await stop.signal
    return 0
  } finally {
    await stopAll()
    lock.release()
  }
}

async function startAll(lock) {
  const { signal } = halt
  const logs = join(settings.state, 'logs')
  mkdirSync(logs, { recursive: true })
  for (const file of readdirSync(logs).filter((name) => name.endsWith('.log'))) setLogAside(join(logs, file))
  await installPackages(repository, { signal, say })
  await compareSettings()
  await buildEngine(repository, { signal, say })

  const [brokers, registryUrl] = await startServers(lock, logs)
  const env = processEnvironment(brokers, registryUrl)
  if (options.demo && !settings.catalogSet) env.DEVOPS_CATALOG_FILE = await demoCatalog()
  await prepareKafka(env)
  await step(
    'starting gateway, consumer, trainer and adapter',
    () =>
      together(
        settings.listeners.map((listener) =>
          add(lock, listener.name, processStart({ repository, listener, env, logs, say })),
        ),
      ),
    say,
  )
  if (options.demo) await add(lock, 'demo', demoStart(env, logs))
}

/** The processes' own reader judges the whole configuration, and proves that this start read its part of it rightly. */
async function compareSettings() {
  const env = { ...process.env }
  if (options.state !== undefined) env.DEVOPS_STATE_FOLDER = settings.state
  const title = 'reading the configuration'
  const lines = await runCommand(title, pinnedNode(repository), ['infra/configuration/main.ts'], {
    cwd: repository,
    env,
    limitMs: 30_000,
    signal: halt.signal,
  })
  const wrong = disagreements(settings, JSON.parse(lines.at(-1)))
  if (wrong.length > 0)
    throw new Refused(
      `${settings.file} is understood in two ways; the processes read otherwise than npm start: ${wrong.join(', ')}. Write these as plain "key: value" lines, or set them by their variables.`,
    )
}

/** Topics and schemas. What is said of the topics stays on the terminal: on a Kafka of one's own they may be others' work. */
async function prepareKafka(env) {
  const title = 'creating topics and registering schemas'
  await step(
    title,
    (note) =>
      runCommand(title, pinnedNode(repository), ['infra/kafka/main.ts'], {
        cwd: repository,
        env,
        limitMs: kafkaSetupLimitMs,
        onLine: (line) => (line.startsWith('topics: ') ? say(`  ${line}`) : note(line)),
        signal: halt.signal,
      }),
    say,
  )
}

/** Broker and registry, each unless an existing one is named. */
async function startServers(lock, logs) {
  const { signal } = halt
  const artifact = { log: say, signal }
  const jars = settings.brokers === null ? await fetchKafka(artifact) : null
  const jar = settings.registryUrl === null ? await fetchRegistry(artifact) : null
  // Clients keep the address that they were given, so a restarted server takes the port of its first start again.
  const sticky = (start) => {
    let port
    return async (abort, onSpawn) => {
      const server = await start({ port, signal: abort, onSpawn })
      port = server.port
      return server
    }
  }
  const broker =
    jars &&
    sticky((how) =>
      startBroker({ folder: join(settings.state, 'kafka'), jars, logPath: join(logs, 'broker.log'), ...how }),
    )
  const registry =
    jar &&
    sticky((how) =>
      startRegistry({ folder: join(settings.state, 'registry'), jar, logPath: join(logs, 'registry.log'), ...how }),
    )
  if (!broker && !registry) return [null, null]
  return step(
    `starting ${[broker && 'Apache Kafka', registry && 'the schema registry'].filter(Boolean).join(' and ')}`,
    async () => {
      const [first, second] = await together([
        broker && add(lock, 'broker', broker),
        registry && add(lock, 'registry', registry),
      ])
      return [first?.brokers ?? null, second?.url ?? null]
    },
    say,
  )
}

/** Starts one under supervision and remembers it for the stop. Gives what its first start gave. */
async function add(lock, name, start) {
  let first = null
  const report = (line) => say(`! ${line}`)
  // Not only once it is ready: what a start that is killed halfway leaves behind must be known to the next one.
  const spawned = (pid) => lock.add(name, pid)
  const recorded = (abort) => start(abort, spawned)
  const supervised = await supervise(
    name,
    (signal) => {
      const either = AbortSignal.any([signal, halt.signal])
      return first === null ? startPatiently(recorded, either, { report }) : recorded(either)
    },
    {
      report,
      onRunning: (server) => {
        first ??= server
      },
      onEnded: () => lock.remove(name),
    },
  )
  running.push({ name, supervised, logPath: first.logPath, address: first.brokers ?? first.url ?? null })
  return first
}

/** All or, with the first that fails, none: the others stop waiting, so that nothing is still starting while all is stopped. */
async function together(starts) {
  const failed = (error) => {
    halt.abort()
    throw error
  }
  const results = await Promise.allSettled(starts.map((start) => Promise.resolve(start).catch(failed)))
  const errors = results.flatMap(({ status, reason }) => (status === 'rejected' ? [reason] : []))
  if (errors.length > 0) throw errors.find((error) => error.name !== 'AbortError') ?? errors[0]
  return results.map(({ value }) => value)
}

function processEnvironment(brokers, registryUrl) {
  const env = { ...process.env, DEVOPS_STATE_FOLDER: settings.state }
  // The ports that were checked are the ports that are used.
  for (const { variable, port } of settings.listeners) env[variable] = String(port)
  if (brokers !== null) env.KAFKA_BROKERS = brokers
  if (registryUrl !== null) env.SCHEMA_REGISTRY_URL = registryUrl
  return env
}

/** The names of the synthetic services, where the installation has no catalog that this could contradict. */
async function demoCatalog() {
  const file = join(settings.state, 'demo-catalog.yaml')
  const args = ['infra/local/demo.ts', '--catalog', file]
  await runCommand('naming the synthetic services', pinnedNode(repository), args, {
    cwd: repository,
    limitMs: 30_000,
    signal: halt.signal,
  })
  return file
}

function demoStart(processEnv, logs) {
  const env =
    settings.gatewayToken === null ? processEnv : { ...processEnv, DEVOPS_GATEWAY_TOKEN: settings.gatewayToken }
  const gateway = settings.listeners.find(({ name }) => name === 'gateway')
  return (signal, onSpawn) =>
    startServer({
      name: 'the synthetic fleet',
      command: pinnedNode(repository),
      args: ['infra/local/demo.ts', '--gateway', gateway.url, '--seed', options.seed],
      cwd: repository,
      env,
      logPath: join(logs, 'demo.log'),
      readyLimitMs: 5_000,
      signal,
      onSpawn,
      onLine: (line) => say(`[demo] ${line}`),
      ready: () => true,
    })
}

/** The processes first, then registry and broker, which the processes still need while they drain. */
async function stopAll() {
  const order = ['demo', 'adapter', 'trainer', 'consumer', 'gateway', 'registry', 'broker']
  const stops = running.slice().sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
  if (stops.length > 0) say('\nstopping …')
  for (const { name, supervised } of stops) {
    const ended = await supervised.stop()
    say(ended.by === 'SIGKILL' ? `  ${name} did not stop in time and was killed` : `  ${name} stopped`)
  }
}

function onStopSignal() {
  let firstAt = null
  const signal = new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(name, () => {
        // npm repeats the terminal's signal to us; only a later one is a person who will not wait.
        if (firstAt !== null && Date.now() - firstAt > repeatedSignalMs) {
          say('killing what still runs')
          void Promise.all(running.map(({ supervised }) => supervised.kill()))
        }
        firstAt ??= Date.now()
        halt.abort()
        resolve()
      })
    }
  })
  return { signal, asked: () => firstAt !== null }
}

function settingsOrEnd() {
  try {
    return readSettings(repository, process.env, options.state)
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

function parseOptions() {
  try {
    const { values } = parseArgs({
      options: {
        demo: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        state: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      say(usage)
      process.exit(0)
    }
    if (!/^\d+$/.test(values.seed)) throw new Error('--seed must be a whole number')
    return values
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${usage}\n`)
    process.exit(2)
  }
}
