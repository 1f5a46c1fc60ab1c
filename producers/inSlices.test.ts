import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inSlices } from './inSlices.ts'

test('long work gives way to others, and gives what it made', async () => {
  let othersTurns = 0
  const other = setInterval(() => (othersTurns += 1), 1)
  function* work(): Generator<undefined, string> {
    const begin = performance.now()
    while (performance.now() - begin < 200) yield
    return 'done'
  }
  assert.equal(await inSlices(work()), 'done')
  clearInterval(other)
  assert.ok(othersTurns >= 5, `${othersTurns} turns`)
})

test('what it throws is the caller’s', async () => {
  function* work(): Generator<undefined, never> {
    yield
    throw new RangeError('too much')
  }
  await assert.rejects(inSlices(work()), RangeError)
})
