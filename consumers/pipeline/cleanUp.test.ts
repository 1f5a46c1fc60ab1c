import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCleanUp } from './cleanUp.ts'

test('slices follow each other while there is more to do, then a look now and then; a failure ends it', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let [slices, more] = [0, 3]
  const failures: Error[] = []
  const broken = new Error('broken')
  const stop = startCleanUp({
    clean: (budgetMs) => {
      assert.ok(budgetMs > 0 && budgetMs <= 1)
      if (++slices === 6) throw broken
      return more-- > 0
    },
    onFailure: (cause) => failures.push(cause),
  })
  t.mock.timers.tick(20)
  assert.equal(slices, 1)
  for (let i = 0; i < 3; i++) t.mock.timers.tick(1)
  assert.equal(slices, 4)
  t.mock.timers.tick(1)
  assert.equal(slices, 4, 'there was no more to do')
  t.mock.timers.tick(20)
  t.mock.timers.tick(20)
  assert.deepEqual([slices, failures], [6, [broken]])
  t.mock.timers.tick(1000)
  assert.equal(slices, 6)
  stop()
})
