import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import { Refusal } from '../refusal.ts'
import { UnsignedRoom } from './unsignedRoom.ts'

function bodyIn(room: UnsignedRoom) {
  const response = new EventEmitter()
  const sent = new PassThrough()
  const seen = { bytes: 0, ended: false, refusal: null as unknown }
  room
    .admit(sent, response)
    .on('data', (chunk: Buffer) => (seen.bytes += chunk.length))
    .on('end', () => (seen.ended = true))
    .on('error', (error) => (seen.refusal = error))
  const send = async (bytes: number): Promise<void> => {
    sent.write(Buffer.alloc(bytes))
    for (let turn = 0; turn < 5; turn++) await setImmediate()
  }
  const end = async (): Promise<void> => {
    sent.end()
    for (let turn = 0; turn < 5; turn++) await setImmediate()
  }
  return { response, seen, send, end, sent }
}

test('bodies that are held back give way to one that comes, the oldest first', async () => {
  const room = new UnsignedRoom(100)
  const slow = [bodyIn(room), bodyIn(room), bodyIn(room)]
  for (const each of slow) await each.send(30)
  const delivery = bodyIn(room)
  await delivery.send(40)
  await delivery.end()
  assert.deepEqual(delivery.seen, { bytes: 40, ended: true, refusal: null })
  const [first, second, third] = slow.map(({ seen }) => seen.refusal)
  assert.ok(first instanceof Refusal && first.statusCode === 503 && first.retryable)
  assert.deepEqual([second, third], [null, null])
  // What one that gave way still sends takes no room and is heard to its end, so that it can be answered.
  await slow[0]?.send(1_000)
  assert.equal(slow[0]?.sent.readableLength, 0)
})

test('what is only begun holds nothing, and one alone always has room', async () => {
  const room = new UnsignedRoom(100)
  for (let count = 0; count < 1_000; count++) bodyIn(room)
  const large = bodyIn(room)
  await large.send(150)
  await large.end()
  assert.deepEqual(large.seen, { bytes: 150, ended: true, refusal: null })
})

test('a whole body is not taken back: until its answer the next one is refused', async () => {
  const room = new UnsignedRoom(100)
  const whole = bodyIn(room)
  await whole.send(80)
  await whole.end()
  const next = bodyIn(room)
  await next.send(30)
  assert.ok(next.seen.refusal instanceof Refusal)
  whole.response.emit('close')
  const later = bodyIn(room)
  await later.send(90)
  assert.equal(later.seen.refusal, null)
})

test('a connection that breaks gives its place back', async () => {
  const room = new UnsignedRoom(100)
  const broken = bodyIn(room)
  await broken.send(90)
  broken.sent.destroy(new Error('connection lost'))
  broken.response.emit('close')
  const [one, two] = [bodyIn(room), bodyIn(room)]
  await one.send(50)
  await two.send(50)
  assert.deepEqual([one.seen.refusal, two.seen.refusal], [null, null])
})
