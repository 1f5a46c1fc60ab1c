import assert from 'node:assert/strict'
import test from 'node:test'
import { errorText } from './processes.mjs'

test('errors of a log are shown with their cause, the rest is not', () => {
  assert.equal(
    errorText('{"level":"error","msg":"publish failed","err":{"message":"broker away"}}'),
    'publish failed: broker away',
  )
  assert.equal(errorText('{"level":"fatal","msg":"stopping"}'), 'stopping')
  assert.equal(errorText('{"level":"warn","msg":"slow"}'), null)
  assert.equal(errorText('TypeError: x is not a function'), 'TypeError: x is not a function')
  assert.equal(errorText('a line of something else'), null)
})
