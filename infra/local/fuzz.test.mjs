import assert from 'node:assert/strict'
import test from 'node:test'
import { asked } from './fuzz.mjs'

const targets = ['events', 'queries']

test('without a name it is all targets, without seconds a minute', () => {
  assert.deepEqual(asked([], targets), { targets, seconds: 60 })
  assert.deepEqual(asked(['queries'], targets), { targets: ['queries'], seconds: 60 })
  assert.deepEqual(asked(['queries', '5'], targets), { targets: ['queries'], seconds: 5 })
})

test('what is asked for wrongly is said with what may be asked for', () => {
  for (const words of [['query'], ['queries', '0'], ['queries', '1m'], ['queries', '5', '--']])
    assert.throws(() => asked(words, targets), /TARGET \[SECONDS\]\], where the targets are events, queries$/)
})
