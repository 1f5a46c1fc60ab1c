/** Invariants of the ledger: nothing lost, nothing twice, in order. */
import assert from 'node:assert/strict'
import type { DeploymentEvent, LedgerEntry } from '../../schemas/generated/events.ts'

/** Each started attempt has one headline, each finished one also one score that repeats it. */
export function assertLedger(entries: readonly LedgerEntry[], events: readonly DeploymentEvent[]): void {
  const kept = entries.filter(({ kind }) => kind !== 'asked')
  const ids = kept.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length, 'an entry stands twice in the ledger')

  const keys = new Set(events.map(({ key }) => key))
  const finished = new Set(events.filter(({ phase }) => phase === 'finished').map(({ key }) => key))
  const headlines = new Map(kept.filter(({ kind }) => kind === 'headline').map((entry) => [entry.subjectKey, entry]))
  const scored = kept.filter(({ kind }) => kind === 'scored')
  assert.deepEqual(new Set(headlines.keys()), keys)
  assert.deepEqual(new Set(scored.map(({ subjectKey }) => subjectKey)), finished)
  assert.equal(scored.length, finished.size)
  for (const score of scored) {
    const headline = headlines.get(score.subjectKey)
    assert.equal(score.predictionId, headline?.predictionId)
    assert.equal(score.pSuccess, headline?.pSuccess)
    assert.deepEqual(score.features, headline?.features)
    const outcome = events.find(({ key, phase }) => key === score.subjectKey && phase === 'finished')
    assert.equal(score.success, outcome?.conclusion === 'success')
  }
}
