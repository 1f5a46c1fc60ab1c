/**
 * `npm test`: installs, builds, checks, and runs the scenarios on a real broker. `TEST_SETUP=full npm test` first installs
 * what the machine lacks for the scenarios that are skipped otherwise.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { startEngine } from '../docker/dockerEngine.mjs'
import { buildKafkaImage } from '../docker/kafkaImage.mjs'
import { checkAdvisories } from './advisories.mjs'
import { fetchKafka, fetchRegistry } from './artifacts.mjs'
import { checkCrates } from './cargoDeny.mjs'
import { runCommand } from './command.mjs'
import { installLackingPackages, whyNoFullSetup, withDaemonFolders } from './debianPackages.mjs'
import { buildEngine, installPackages } from './installation.mjs'
import { checkInstructions } from './instructions.mjs'
import { lackingTools } from './machine.mjs'
import { checkMiri } from './miri.mjs'
import { pinnedNode } from './processes.mjs'
import { step } from './step.mjs'
import { cargoResults, readResults, summary } from './testCounts.mjs'

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const checkLimitMs = 30 * 60_000
const scenariosLimitMs = 30 * 60_000
const containerLimitMs = 10 * 60_000
const nativeLimitMs = 15 * 60_000
const containerScenario = 'testcontainers-broker.test.ts'
const say = (line) => process.stdout.write(`${line}\n`)

const setup = process.env.TEST_SETUP ?? ''
const full = setup === 'full'
const interrupt = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => interrupt.abort())
const { signal } = interrupt

const reports = mkdtempSync(join(tmpdir(), 'devops-test-'))
async function main() {
  const refused = await whyNotPossible()
  if (refused.length > 0) throw new Error(refused.join('\n'))
  await installPackages(repository, { signal, say })
  await buildEngine(repository, { signal, say })
  const artifact = { log: say, signal }
  const jars = await fetchKafka(artifact)
  await fetchRegistry(artifact)
  const troubles = []
  const outOfReach = []
  if (full) {
    await installLackingPackages({ say, signal })
    await attempt(troubles, 'building the native TF backend', (title) =>
      step(
        title,
        (note) =>
          runCommand(title, 'npm', ['run', '-s', 'tfjs:native'], {
            cwd: repository,
            limitMs: nativeLimitMs,
            onLine: note,
            signal,
          }),
        say,
      ),
    )
    await attempt(troubles, 'checking the crates', () => checkCrates(repository, { say, signal }))
    await attempt(troubles, 'checking for advisories', async () => {
      outOfReach.push(...(await checkAdvisories(repository, { say, signal })))
    })
    // Each keeps one core busy, and what they find does not hang on how fast they are.
    await Promise.all([
      attempt(troubles, 'checking the pool under miri', async () => {
        outOfReach.push(...(await checkMiri(repository, { say, signal })))
      }),
      attempt(troubles, 'counting instructions', async () => {
        outOfReach.push(...(await checkInstructions(repository, { say, signal })))
      }),
    ])
  }
  const runs = [...(await check(troubles)), await scenarios(troubles)]
  if (full) runs.push(await scenarioInContainer(troubles, jars))
  const { text, ok } = summary(runs, troubles, full, outOfReach)
  say(text)
  return ok ? 0 : 1
}

async function whyNotPossible() {
  if (setup !== '' && !full) return [`TEST_SETUP is "${setup}": it may be "full" or not set.`]
  const reason = full ? whyNoFullSetup() : null
  return reason === null ? lackingTools({ repository }) : [reason]
}

/** `npm run check`: its node:test and cargo tests, counted apart. */
async function check(troubles) {
  const cargo = cargoResults()
  const report = join(reports, 'unit.jsonl')
  // npm scripts take no reporter from here; the options reach the `node --test` among them this way.
  const env = {
    ...process.env,
    NODE_OPTIONS: [process.env.NODE_OPTIONS, ...reporters(report)].filter(Boolean).join(' '),
  }
  await attempt(troubles, 'npm run check', (title) => {
    say(`\n${title} …`)
    return runCommand(title, 'npm', ['run', '-s', 'check'], {
      cwd: repository,
      env,
      limitMs: checkLimitMs,
      signal,
      onLine: (line) => (cargo.take(line), say(line)),
    })
  })
  return [
    { title: 'unit tests', results: readResults(report) },
    { title: 'engine tests', results: cargo.results },
  ]
}

/** All scenarios; with the full set-up the one in containers has its own run, beside a Docker engine. */
async function scenarios(troubles) {
  const folder = join(repository, 'integration-tests', 'scenarios')
  const files = existsSync(folder)
    ? readdirSync(folder).filter((file) => file.endsWith('.test.ts') && !(full && file === containerScenario))
    : []
  return {
    title: 'scenarios',
    results: files.length === 0 ? [] : await runScenarios(troubles, 'scenarios', files, process.env, scenariosLimitMs),
  }
}

async function scenarioInContainer(troubles, jars) {
  const title = 'scenarios in a container'
  let results = []
  await attempt(troubles, title, async () => {
    const engine = await startEngine({ say, signal })
    try {
      const image = await buildKafkaImage({ engine, jars, say, signal })
      results = await runScenarios(
        troubles,
        title,
        [containerScenario],
        { ...process.env, ...engine.env, TEST_KAFKA_IMAGE: image },
        containerLimitMs,
      )
    } finally {
      await engine.stop()
    }
  })
  return { title, results }
}

async function runScenarios(troubles, title, files, env, limitMs) {
  const report = join(reports, `${title.replaceAll(' ', '-')}.jsonl`)
  const paths = files.map((file) => join('integration-tests', 'scenarios', file))
  await attempt(troubles, title, () => {
    say(`\n${title} …`)
    const args = [
      '--test',
      '--test-concurrency=1',
      '--disable-warning=TimeoutNegativeWarning',
      ...reporters(report),
      ...paths,
    ]
    return runCommand(title, pinnedNode(repository), args, {
      cwd: repository,
      env: withDaemonFolders(env),
      limitMs,
      signal,
      onLine: say,
    })
  })
  return readResults(report)
}

/** Two reporters: the one for people, and one that can be counted. */
const reporters = (report) => [
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
  `--test-reporter=${pathToFileURL(join(repository, 'infra', 'local', 'countingReporter.mjs')).href}`,
  `--test-reporter-destination=${report}`,
]

/** A step that fails does not keep the others from running, but the whole from passing. */
async function attempt(troubles, title, work) {
  try {
    await work(title)
  } catch (error) {
    if (signal.aborted) throw new Error('interrupted')
    troubles.push(error.message.split('\n')[0])
    if (error.tail === undefined) say(error.message)
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`\n${error.message}\n`)
  process.exitCode = signal.aborted ? 130 : 1
} finally {
  rmSync(reports, { recursive: true, force: true })
}
