import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { createHttpServer } from '../../runtime/http/server.ts'
import { createLog } from '../../runtime/telemetry/log.ts'
import { modelStates } from '../../schemas/models.ts'
import { createCourse } from './course.ts'
import { addModelRoutes } from './modelRoutes.ts'
import { silentTelemetry } from './silentTelemetry.ts'

const HOST = { host: '127.0.0.1' }
const A = 'a'.repeat(64)
const B = 'b'.repeat(64)
const card = JSON.stringify({ model: 'ci_run', learnt: { rows: 100, from: '2026-01-01T00:00:00.000Z', to: null } })

function served(isWritten = true, ready = true) {
  const log = createLog('trainer', 'fatal')
  const options = { host: '127.0.0.1', port: 0, registry: new Registry(), log, bodyBytesMax: 1000 }
  const server = createHttpServer({ process: 'trainer', ready: () => ({ ready, detail: {} }), ...options })
  const course = createCourse('ci_run', { minSamples: 100, intervalMs: 1000 }, silentTelemetry)
  for (const [slot, version] of [
    ['previous', A],
    ['champion', B],
  ] as const)
    course.remember(slot, { version, card, weights: Buffer.from(version), since: 0, cause: 'won' })
  const written: string[] = []
  const unwritten: unknown[] = []
  addModelRoutes(server, {
    courses: [course],
    isReady: () => ready,
    now: () => 1000,
    publish: (records) => {
      written.push(...records.map(({ key }) => key))
      return isWritten ? Promise.resolve() : Promise.reject(new Error('no broker'))
    },
    onUnwritten: (error) => unwritten.push(error),
  })
  const rollBack = (payload: object, model = 'ci_run') =>
    server.inject({ method: 'POST', url: `/v1/models/${model}/rollback`, headers: HOST, payload })
  return { server, rollBack, written, unwritten }
}

const codeOf = (body: string): string => (JSON.parse(body) as { error: { code: string } }).error.code

test('an operator sees what is kept and who answers, and reads a card', async () => {
  const { server } = served()
  const list = await server.inject({ url: '/v1/models', headers: HOST })
  const [state] = modelStates.parse(list.json()).models
  assert.equal(state?.answering, B)
  assert.deepEqual(
    state.versions.map(({ stage, version, rows }) => [stage, version, rows]),
    [
      ['champion', B, 100],
      ['previous', A, 100],
    ],
  )
  const shown = await server.inject({ url: `/v1/models/ci_run/cards/${A.slice(0, 12)}`, headers: HOST })
  assert.deepEqual(shown.json(), JSON.parse(card))
  const none = await server.inject({ url: '/v1/models/ci_run/cards/cccccccc', headers: HOST })
  assert.deepEqual([none.statusCode, codeOf(none.body)], [404, 'not_found'])
  for (const short of ['', A.slice(0, 7)]) {
    const refused = await server.inject({ url: `/v1/models/ci_run/cards/${short}`, headers: HOST })
    assert.deepEqual([refused.statusCode, codeOf(refused.body)], [400, 'invalid_input'], short)
  }
})

test('a rollback is written and told; again it changes nothing', async () => {
  const { rollBack, written } = served()
  assert.deepEqual((await rollBack({})).json(), { model: 'ci_run', from: B, to: A, changed: true })
  assert.deepEqual(written, ['stage/ci_run/champion', 'stage/ci_run/previous'])
  assert.deepEqual((await rollBack({})).json(), { model: 'ci_run', from: A, to: A, changed: false })
  assert.equal(written.length, 2)
})

test('what cannot be done is refused by name', async () => {
  const { rollBack, server } = served()
  const table = [
    [await rollBack({}, 'capacity'), 404, 'not_found'],
    [await rollBack({ to: 'x' }), 400, 'invalid_input'],
    [await rollBack({ to: 'c'.repeat(8) }), 409, 'nothing_to_roll_back_to'],
    [await served(true, false).rollBack({}), 503, 'not_ready'],
    [
      await server.inject({
        method: 'POST',
        url: '/v1/models/ci_run/rollback',
        headers: HOST,
        remoteAddress: '10.0.0.9',
      }),
      403,
      'forbidden',
    ],
  ] as const
  for (const [answer, status, code] of table) assert.deepEqual([answer.statusCode, codeOf(answer.body)], [status, code])
})

test('a page on this machine rolls nothing back', async () => {
  const { server, written } = served()
  const headers = { ...HOST, origin: 'http://localhost:3000' }
  const url = '/v1/models/ci_run/rollback'
  const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
  assert.equal((await server.inject({ method: 'POST', url, headers })).statusCode, 400)
  const plain = { ...headers, 'content-type': 'text/plain' }
  assert.equal((await server.inject({ method: 'POST', url, headers: plain, payload: '{}' })).statusCode, 415)
  const preflight = await server.inject({ method: 'OPTIONS', url, headers: { ...headers, ...asked } })
  assert.equal(preflight.headers['access-control-allow-origin'], undefined)
  assert.deepEqual(written, [])
})

test('a rollback that cannot be written makes the process read anew what holds', async () => {
  const { rollBack, unwritten } = served(false)
  assert.equal((await rollBack({})).statusCode, 500)
  assert.equal(unwritten.length, 1)
})
