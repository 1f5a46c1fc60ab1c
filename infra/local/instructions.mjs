/**
 * `npm run check:instructions [-- --record]`: how many instructions the engine's hot operations take, counted by callgrind,
 * beside the counts that are recorded in rust-engine/benches/instructions.json.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { onPath } from './machine.mjs'
import { step } from './step.mjs'

const title = 'instructions of the engine'
const buildLimitMs = 15 * 60_000
const countLimitMs = 2 * 60_000
const remedy = 'npm run check:instructions -- --record'

const baselineOf = (repository) => join(repository, 'rust-engine', 'benches', 'instructions.json')

/**
 * Counts and compares. Gives `{ title, reason }` where that can't be done on this machine; throws what is over. With `record`
 * the counts are stored instead.
 */
export async function checkInstructions(repository, { say, signal, record = false }) {
  const recorded = JSON.parse(readFileSync(baselineOf(repository), 'utf8'))
  const reason = whyNotCounted({ hasValgrind: onPath('valgrind'), recorded: record ? null : recorded })
  if (reason !== null) return [{ title, reason }]
  const toolchain = await toolchainHere(repository, signal)
  const counts = await step(title, (note) => count(repository, { note, signal }), say)
  if (record) {
    const baseline = { architecture: process.arch, toolchain, tolerance: recorded.tolerance, counts }
    writeFileSync(baselineOf(repository), `${JSON.stringify(baseline, null, 2)}\n`)
    for (const [operation, found] of Object.entries(counts)) say(`${operation}: ${figure(found)}`)
    return []
  }
  const { over, lower } = compare(recorded, counts)
  for (const line of lower) say(line)
  if (over.length > 0) throw new Error([...over, ...otherToolchain(recorded.toolchain, toolchain)].join('\n'))
  return []
}

/** Null, or why counts would say nothing here: one sentence's part. */
export function whyNotCounted({ hasValgrind, recorded, architecture = process.arch }) {
  if (!hasValgrind) return 'valgrind was not found, which counts them: install it (Debian: apt-get install valgrind)'
  if (recorded !== null && recorded.architecture !== architecture)
    return `the counts were recorded on ${recorded.architecture} and this is ${architecture}`
  return null
}

/** A sentence for each operation that takes more than is recorded, or that only one side knows; and for each that takes much less. */
export function compare({ counts: recorded, tolerance }, counts) {
  const over = []
  const lower = []
  for (const operation of new Set([...Object.keys(recorded), ...Object.keys(counts)])) {
    const [expected, found] = [recorded[operation], counts[operation]]
    if (expected === undefined) over.push(`${operation} has no recorded count: ${remedy}`)
    else if (found === undefined) over.push(`${operation} is recorded and no operation any more: ${remedy}`)
    else if (found > expected * (1 + tolerance))
      over.push(
        `${operation} takes ${figure(found)} instructions, expected ${figure(expected)}${change(expected, found)}`,
      )
    else if (found < expected * (1 - tolerance))
      lower.push(
        `${operation} takes only ${figure(found)} instructions, recorded ${figure(expected)}${change(expected, found)}: ${remedy}`,
      )
  }
  return { over, lower }
}

function otherToolchain(recorded, found) {
  return Object.entries(recorded)
    .filter(([tool, version]) => found[tool] !== version)
    .map(([tool, version]) => `recorded with ${version}, this is ${found[tool]}: other code may come of it (${remedy})`)
}

const figure = (count) => count.toLocaleString('en')
const change = (expected, found) => ` (${found > expected ? '+' : ''}${((found / expected - 1) * 100).toFixed(1)} %)`

async function toolchainHere(repository, signal) {
  // In that folder, since a toolchain may be set for it.
  const cwd = join(repository, 'rust-engine')
  const version = async (tool) => (await runCommand(`${tool} --version`, tool, ['--version'], { cwd, signal }))[0]
  return { rustc: await version('rustc'), valgrind: await version('valgrind') }
}

/** Each operation in a process of its own, so that none changes what another finds. */
async function count(repository, { note, signal }) {
  const cwd = join(repository, 'rust-engine')
  const build = ['build', '--release', '--locked', '-p', 'benches']
  await runCommand('building the benches', 'cargo', build, { cwd, limitMs: buildLimitMs, onLine: note, signal })
  const benches = join('target', 'release', 'benches')
  const operations = await runCommand('listing the operations', benches, ['operations'], { cwd, signal })
  const counts = {}
  for (const operation of operations) {
    note(operation)
    const lines = await runCommand(`counting ${operation}`, 'valgrind', [...callgrind, benches, 'count', operation], {
      cwd,
      limitMs: countLimitMs,
      signal,
    })
    counts[operation] = collected(operation, lines)
  }
  return counts
}

const callgrind = [
  '--tool=callgrind',
  '--callgrind-out-file=/dev/null',
  '--collect-atstart=no',
  '--toggle-collect=*counted_by_callgrind*',
]

function collected(operation, lines) {
  const text = lines.map((line) => /^==\d+== Collected : (\d+)$/.exec(line)?.[1]).find((found) => found !== undefined)
  // None at all: callgrind did not find the function, by whose name it counts.
  if (text === undefined || text === '0') throw new Error(`callgrind counted nothing of ${operation}`)
  return Number(text)
}

if (import.meta.main) {
  const repository = join(import.meta.dirname, '..', '..')
  const say = (line) => process.stdout.write(`${line}\n`)
  try {
    const skipped = await checkInstructions(repository, { say, record: process.argv.includes('--record') })
    for (const { title, reason } of skipped) say(`skipped: ${title} (${reason})`)
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
