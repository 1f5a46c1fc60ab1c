/** What devops.models tells, compacted or not, is what the slots hold, whatever happened to them in whatever order. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { chooseBackend } from '../models/backend.ts'
import { FEATURES } from '../models/features.ts'
import { BASE_RATE_VERSION } from '../models/predict.ts'
import { createShelf } from '../models/shelf.ts'
import { TRAINING, trainClassifier } from '../models/train.ts'
import { digestOf, serialise } from '../models/weights.ts'
import { SLOTS } from './modelRecords.ts'
import type { ModelOutgoing } from './modelRecords.ts'
import { rollBack } from './rollBack.ts'
import { silentTelemetry } from './silentTelemetry.ts'
import { NothingToRollBackTo, Slots } from './slots.ts'
import type { Version } from './slots.ts'

const MODEL = 'ci_run'
const STEPS = ['challenge', 'promote', 'demote', 'fallBack', 'rollBack', 'rollBackTo', 'toBaseRate'] as const

let versions: readonly Version[]
before(async () => {
  await chooseBackend(['wasm', 'cpu'], null)
  const rows = Array.from({ length: 20 }, (_, i) => ({
    features: new Float32Array(FEATURES),
    success: i % 2 === 0,
    durationSeconds: null,
  }))
  const networks = { ...TRAINING.networks, members: 1, hidden: [2], epochs: 1 }
  const learnt = trainClassifier(rows, { ...TRAINING, networks, trees: { ...TRAINING.trees, rounds: 1 }, seed: 1 })
  versions = Array.from({ length: 30 }, (_, i) => {
    const weights = serialise({ ...learnt, rows: i + 1 })
    return { version: digestOf(weights), card: '{}', weights }
  })
})

function rolledBack(slots: Slots, to: string | null, now: number): readonly ModelOutgoing[] {
  try {
    return rollBack(slots, to, now).records
  } catch (error) {
    assert.ok(error instanceof NothingToRollBackTo)
    return []
  }
}

function taken(slots: Slots, step: (typeof STEPS)[number], now: number): readonly ModelOutgoing[] {
  const [champion, challenger, previous] = [slots.at('champion'), slots.at('challenger'), slots.at('previous')]
  switch (step) {
    case 'challenge':
      return slots.challenge(versions[now] ?? assert.fail('too few versions'), now)
    case 'promote':
      return challenger === null ? [] : slots.promote(challenger, '', now)
    case 'demote':
      return champion === null ? [] : slots.vacate(champion, 'demoted', '', now)
    case 'fallBack':
      return champion === null || previous === null ? [] : slots.fallBack('fell_back', '', now)
    case 'rollBack':
      return rolledBack(slots, null, now)
    case 'rollBackTo':
      return rolledBack(slots, previous?.version ?? versions[0]?.version ?? null, now)
    case 'toBaseRate':
      return rolledBack(slots, BASE_RATE_VERSION, now)
  }
}

/** The newest of each key, in the place where it was written. */
function compacted(records: readonly ModelOutgoing[]): readonly ModelOutgoing[] {
  const newest = new Map<string, ModelOutgoing>()
  for (const record of records) {
    newest.delete(record.key)
    if (record.value !== null) newest.set(record.key, record)
  }
  return [...newest.values()]
}

async function told(records: readonly ModelOutgoing[]) {
  const shelf = createShelf([MODEL])
  for (const { value } of records) if (value !== null) await shelf.accept(value)
  const bySlot = new Map(shelf.list().map(({ stage, version, since, cause }) => [stage, { version, since, cause }]))
  return SLOTS.map((slot) => bySlot.get(slot) ?? null)
}

test('a reader of devops.models, from its beginning or of what compaction left, knows the holders of all slots', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...STEPS), { maxLength: 30 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (steps, share) => {
        const slots = new Slots(MODEL, silentTelemetry)
        const all: ModelOutgoing[] = []
        for (const [now, step] of steps.entries()) all.push(...taken(slots, step, now))
        const held = SLOTS.map((slot) => {
          const placed = slots.at(slot)
          return placed && { version: placed.version, since: placed.since, cause: placed.cause }
        })
        for (const end of [0, Math.floor(all.length * share), all.length]) {
          const read = [...compacted(all.slice(0, end)), ...all.slice(end)]
          assert.deepEqual(await told(read), held, `${end} of ${all.length} compacted`)
        }
        const keys = compacted(all).map(({ key }) => key)
        const weights = keys.filter((key) => key.startsWith('weights/'))
        assert.deepEqual(
          weights.sort(),
          held.flatMap((one) => (one === null ? [] : [`weights/${one.version}`])).sort(),
          'no other weights are left',
        )
      },
    ),
    { numRuns: 300 },
  )
})
