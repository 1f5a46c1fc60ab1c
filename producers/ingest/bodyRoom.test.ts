import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { BodyRoom } from './bodyRoom.ts'

const response = () => new EventEmitter()

test('as many bytes as there is room for, given back with the answer', () => {
  const room = new BodyRoom(100, 60)
  const first = response()
  assert.equal(room.take(60, first), null)
  assert.equal(room.take(40, response()), null)
  const refusal = room.take(1, response())
  assert.deepEqual([refusal?.statusCode, refusal?.reason, refusal?.retryable], [503, 'overloaded', true])
  first.emit('close')
  first.emit('close')
  assert.equal(room.take(60, response()), null)
  assert.equal(room.take(1, response())?.statusCode, 503)
})

test('what is not announced may become as large as a body can be; what is announced too large is refused elsewhere', () => {
  const room = new BodyRoom(100, 60)
  assert.equal(room.take(null, response()), null)
  assert.equal(room.take(41, response())?.statusCode, 503)
  assert.equal(new BodyRoom(100, 60).take(1e9, response()), null)
})

test('one body alone always has room', () => {
  const room = new BodyRoom(10, 60)
  const only = response()
  assert.equal(room.take(60, only), null)
  assert.equal(room.take(1, response())?.statusCode, 503)
  only.emit('close')
  assert.equal(room.take(60, response()), null)
})
