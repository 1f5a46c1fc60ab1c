/**
 * The whole system for one test file: broker, registry, topics and the four processes, on free loopback ports, with a
 * state folder of its own. Everything that is started here is stopped by its process id.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'

import { type KafkaHarness, startKafka } from './kafka.ts'
import { makeTopics } from './topics.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const ENTRY = {
  gateway: 'producers/main.ts',
  consumer: 'consumers/main.ts',
  trainer: 'consumers/trainer/main.ts',
  adapter: 'adapters/main.ts',
} as const
export type Role = keyof typeof ENTRY

/** What the scenarios' sources call their services. */
const CATALOG = `version: 1
default_environment: production
services:
  checkout: { repositories: [acme/checkout] }
  payments: { repositories: [acme/payments] }
  search: { repositories: [acme/search] }
  shop: {}
${Array.from({ length: 10 }, (_, i) => `  service-${String(i)}: {}`).join('\n')}
`

export const GITHUB_SECRET = 'a webhook secret for tests'

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      assert.ok(address !== null && typeof address === 'object')
      server.close(() => {
        resolve(address.port)
      })
    })
  })
}

/** Polls until `read` gives something other than null; fails with what was waited for, at once where it is `hopeless`. */
export async function eventually<T>(
  what: string,
  read: () => Promise<T | null>,
  withinMs = 30_000,
  hopeless: () => boolean = () => false,
): Promise<T> {
  const deadline = Date.now() + withinMs
  let trouble: unknown = null
  for (;;) {
    try {
      const found = await read()
      if (found !== null) return found
    } catch (error) {
      trouble = error
    }
    if (Date.now() > deadline || hopeless()) {
      const last = trouble instanceof Error ? ` (last error: ${trouble.message})` : ''
      assert.fail(`not within ${String(withinMs)} ms: ${what}${last}`)
    }
    await new Promise((next) => setTimeout(next, 50))
  }
}

export class RunningProcess {
  readonly url: string
  readonly #child: ChildProcess
  readonly #logFile: string
  readonly #exited: Promise<number | null>
  readonly name: string

  constructor(name: string, url: string, child: ChildProcess, logFile: string) {
    this.name = name
    this.url = url
    this.#child = child
    this.#logFile = logFile
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code) => {
        resolve(code)
      })
    })
  }

  get pid(): number {
    assert.ok(this.#child.pid !== undefined)
    return this.#child.pid
  }

  async log(): Promise<string> {
    return readFile(this.#logFile, 'utf8')
  }

  async ready(withinMs = 60_000): Promise<this> {
    const answering = eventually(
      `${this.name} is ready`,
      async () => ((await fetch(`${this.url}/readyz`)).ok ? true : null),
      withinMs,
      () => this.#child.exitCode !== null,
    )
    try {
      await answering
    } catch (error) {
      const tail = (await this.log()).split('\n').slice(-25).join('\n')
      throw new Error(`${this.name} did not become ready (exit code ${String(this.#child.exitCode)}):\n${tail}`, {
        cause: error,
      })
    }
    return this
  }

  /** SIGTERM, and the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM')
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), 30_000)
    const code = await this.#exited
    clearTimeout(limit)
    return code
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}

export interface SystemOptions {
  readonly roles?: readonly Role[]
  readonly env?: Readonly<Record<string, string>>
}

export class System {
  readonly bus: KafkaHarness
  readonly folder: string
  readonly #env: Record<string, string>
  readonly #running: RunningProcess[] = []
  readonly #byRole = new Map<Role, RunningProcess>()
  #count = 0

  private constructor(bus: KafkaHarness, folder: string, env: Record<string, string>) {
    this.bus = bus
    this.folder = folder
    this.#env = env
  }

  static async start(options: SystemOptions = {}): Promise<System> {
    const folder = await mkdtemp(join(tmpdir(), 'devops-system-'))
    await writeFile(join(folder, 'catalog.yaml'), CATALOG)
    const bus = await startKafka({ broker: true, registry: true })
    const ports = {
      gateway: await freePort(),
      consumer: await freePort(),
      trainer: await freePort(),
      adapter: await freePort(),
    }
    const system = new System(bus, folder, {
      KAFKA_BROKERS: bus.brokers,
      SCHEMA_REGISTRY_URL: bus.registryUrl,
      DEVOPS_STATE_FOLDER: join(folder, 'state'),
      DEVOPS_CATALOG_FILE: join(folder, 'catalog.yaml'),
      DEVOPS_GATEWAY_PORT: String(ports.gateway),
      DEVOPS_GATEWAY_GITHUB_WEBHOOK_SECRET: GITHUB_SECRET,
      DEVOPS_CONSUMER_PORT: String(ports.consumer),
      DEVOPS_CONSUMER_SEEDS: `http://127.0.0.1:${String(ports.consumer)}`,
      DEVOPS_TRAINER_PORT: String(ports.trainer),
      DEVOPS_SERVER_PORT: String(ports.adapter),
      ...options.env,
    })
    try {
      await makeTopics(bus.brokers, bus.registryUrl, join(folder, 'state'))
      const roles = options.roles ?? ['gateway', 'consumer', 'trainer', 'adapter']
      const started = roles.map((role) => system.spawn(role, role, ports[role]))
      await Promise.all(started.map((process) => process.ready()))
    } catch (error) {
      await system.stop()
      throw error
    }
    return system
  }

  /** One more process, e.g. a second consumer; its port is chosen here unless given. */
  async add(role: Role, env: Readonly<Record<string, string>> = {}): Promise<RunningProcess> {
    this.#count += 1
    const started = this.spawn(role, `${role}-${String(this.#count + 1)}`, await freePort(), env)
    return started.ready()
  }

  spawn(role: Role, name: string, port: number, env: Readonly<Record<string, string>> = {}): RunningProcess {
    const portKey = { gateway: 'GATEWAY', consumer: 'CONSUMER', trainer: 'TRAINER', adapter: 'SERVER' }[role]
    const logFile = join(this.folder, `${name}.log`)
    const log = createWriteStream(logFile, { flags: 'a' })
    const child = spawn(process.execPath, ['--disable-warning=TimeoutNegativeWarning', ENTRY[role]], {
      cwd: root,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        ...this.#env,
        [`DEVOPS_${portKey}_PORT`]: String(port),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    const running = new RunningProcess(name, `http://127.0.0.1:${String(port)}`, child, logFile)
    this.#running.push(running)
    this.#byRole.set(role, running)
    return running
  }

  process(role: Role): RunningProcess {
    const found = this.#byRole.get(role)
    assert.ok(found, `${role} was not started`)
    return found
  }

  async post(path: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`${this.process('gateway').url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : new Uint8Array(body),
    })
  }

  /** A query of the consumer that was started last, as JSON; throws on another status than 200. */
  async query(name: string, input: object, url = this.process('consumer').url): Promise<unknown> {
    const answer = await fetch(`${url}/v1/query/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    const body: unknown = await answer.json()
    if (!answer.ok) throw new Error(`${name}: ${String(answer.status)} ${JSON.stringify(body)}`)
    return body
  }

  async stop(): Promise<void> {
    for (const process of this.#running.toReversed()) await process.stop()
    await this.bus.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** A system for all tests of a file. */
export function useSystem(options: SystemOptions = {}): () => System {
  let system: System | null = null
  before(async () => {
    system = await System.start(options)
  })
  after(async () => {
    await system?.stop()
  })
  return () => {
    assert.ok(system !== null, 'the system was not started')
    return system
  }
}
