/**
 * One seeded synthetic stream of 500 runs through Kafka and through `evaluate`, with the same weights, gives identical
 * predictions: what is measured on data sets is what the product answers.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { digestOf } from '../../consumers/models/weights.ts'
import { zeroMsOf } from '../../evaluate/calendar.ts'
import { type CiOutcome, type CiRun, ciRunOf, finishedEvent, startedEvent } from '../../evaluate/ciRun.ts'
import { openCodec } from '../../runtime/kafka/codec.ts'
import type { LedgerEntry } from '../../schemas/generated/events.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { silentLog } from '../harness/kafka.ts'
import { ledgerOf } from '../harness/ledger.ts'
import { publishChampion } from '../harness/models.ts'
import { type SyntheticRun, csvOf, syntheticRuns } from '../harness/runs.ts'
import { System, eventually } from '../harness/system.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

function evaluate(args: readonly string[], lines: readonly object[]): void {
  execFileSync(process.execPath, ['evaluate/main.ts', 'deployments', '--stream', ...args], {
    cwd: root,
    input: [...lines, { type: 'end' }].map((line) => `${JSON.stringify(line)}\n`).join(''),
    stdio: ['pipe', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  })
}

/** Starts and ends as they become known: at the same moment ends first. */
function moments(runs: readonly SyntheticRun[]): { run: SyntheticRun; ends: boolean }[] {
  const all = runs.flatMap((run) => [
    { at: run.row.t_rel_s, run, ends: false },
    { at: run.row.t_rel_s + run.durationS, run, ends: true },
  ])
  return all.sort((a, b) => a.at - b.at || Number(b.ends) - Number(a.ends) || a.run.row.seq - b.run.row.seq)
}

const comparable = (e: LedgerEntry) => ({
  pSuccess: e.pSuccess,
  modelVersion: e.modelVersion,
  answerClass: e.answerClass,
  durations: [e.durationP10, e.durationP50, e.durationP90],
  features: e.features,
})

test('500 runs, twice', async (t) => {
  const system = await System.start({ roles: ['consumer'] })
  t.after(async () => system.stop())
  const file = (name: string) => join(system.folder, name)
  await writeFile(file('history.csv'), csvOf(syntheticRuns({ seed: 1, runs: 600 })))
  await writeFile(file('empty.csv'), csvOf([]))
  evaluate(['--history', file('history.csv'), '--save-weights', file('weights'), '--seed', '7'], [])
  const weights = await readFile(file('weights'))
  const version = digestOf(weights)

  const order = moments(syntheticRuns({ seed: 2, runs: 500 }))
  evaluate(
    ['--history', file('empty.csv'), '--weights', file('weights'), '--ledger', file('ledger.jsonl')],
    order.map(({ run, ends }) =>
      ends
        ? { type: 'outcome', run_id: run.row.run_id, success: run.success, duration_s: run.durationS }
        : { type: 'ask', run: run.row },
    ),
  )
  const expected = (await readFile(file('ledger.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LedgerEntry)
  assert.equal(expected.length, 500)

  const codec = await openCodec({ registryUrl: system.bus.registryUrl, cacheFolder: file('schemas'), log: silentLog })
  const producer = system.bus.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  t.after(async () => producer.disconnect())
  await publishChampion(system, ['ci_run'], weights)

  const zeros = new Map<string, number>()
  const zeroOf = (run: CiRun): number => {
    const known = zeros.get(run.project) ?? zeroMsOf([run])
    zeros.set(run.project, known)
    return known
  }
  const messages = order.map(({ run, ends }) => {
    const ciRun = ciRunOf(run.row)
    const outcome: CiOutcome = { success: run.success, durationS: run.durationS }
    const event = ends ? finishedEvent(ciRun, zeroOf(ciRun), outcome) : startedEvent(ciRun, zeroOf(ciRun))
    return {
      key: event.service,
      partition: partitionOf(event.service),
      value: codec.encode('devops.deployments', event),
    }
  })
  await producer.send({ topic: 'devops.deployments', acks: -1, messages })

  const rows = await eventually('500 headlines, 500 outcomes', async () => {
    const all = await ledgerOf(system)
    return all.filter((e) => e.kind === 'scored').length === 500 ? all : null
  })
  const headlines = new Map(rows.filter((e) => e.kind === 'headline').map((e) => [e.subjectKey, e]))
  assert.equal(headlines.size, 500)
  for (const wanted of expected) {
    const found = headlines.get(wanted.subjectKey)
    assert.ok(found, wanted.subjectKey)
    assert.deepEqual(comparable(found), comparable(wanted), wanted.subjectKey)
  }
  assert.ok(
    expected.some((e) => e.modelVersion === version),
    'the model answered',
  )
  assert.ok(new Set(expected.map((e) => e.pSuccess)).size > 250, 'the answers differ by run')
})
