import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationOf, outcomeOf } from './outcome.ts'

test('failure, error and timeout are failed; what a person or a rule ended is censored', () => {
  const table = {
    success: 'success',
    failure: 'failed',
    error: 'failed',
    timeout: 'failed',
    cancelled: 'censored',
    skipped: 'censored',
    neutral: 'censored',
    action_required: 'censored',
    stale: 'censored',
    inactive: 'censored',
    constructor: 'censored',
  }
  for (const [conclusion, label] of Object.entries(table)) assert.equal(outcomeOf(conclusion), label)
  assert.equal(outcomeOf(null), 'censored')
})

test('a duration needs a start and a later end', () => {
  assert.equal(durationOf({ startedAt: 1000, finishedAt: 3500 }), 2.5)
  assert.equal(durationOf({ startedAt: 1000, finishedAt: 1000 }), null)
  assert.equal(durationOf({ startedAt: 2000, finishedAt: 1000 }), null)
  assert.equal(durationOf({ startedAt: null, finishedAt: 1000 }), null)
  assert.equal(durationOf({ startedAt: 1000, finishedAt: null }), null)
})
