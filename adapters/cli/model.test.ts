/** The command as an operator runs it, against a trainer's answers. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const COMMAND = fileURLToPath(new URL('devops-mcp-server.mjs', import.meta.url))
const A = 'a'.repeat(64)
const B = 'b'.repeat(64)

const states = {
  models: [
    {
      model: 'ci_run',
      answering: B,
      versions: [
        {
          stage: 'champion',
          version: B,
          since: '2026-01-02',
          cause: 'won',
          rows: 100,
          from: '2025-12-01',
          to: '2026-01-01',
        },
        { stage: 'previous', version: A, since: '2026-01-02', cause: 'superseded', rows: null, from: null, to: null },
      ],
    },
  ],
}
const refused = {
  error: { code: 'nothing_to_roll_back_to', message: 'nothing to roll back to: none', retryable: false },
}
const answers: Readonly<Record<string, readonly [number, object]>> = {
  'GET /v1/models': [200, states],
  [`GET /v1/models/ci_run/cards/${A}`]: [200, { model: 'ci_run', seed: 1 }],
  'POST /v1/models/ci_run/rollback {"to":null}': [200, { model: 'ci_run', from: B, to: A, changed: true }],
  'POST /v1/models/ci_run/rollback {"to":"base-rate"}': [
    200,
    { model: 'ci_run', from: 'base-rate', to: 'base-rate', changed: false },
  ],
  'POST /v1/models/deployment/rollback {"to":null}': [409, refused],
}

const trainer = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString()
    const asked = `${request.method ?? ''} ${request.url ?? ''}${body === '' ? '' : ` ${body}`}`
    const [status, answer] = answers[asked] ?? [500, { asked }]
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
})
before(() => new Promise<void>((resolve) => trainer.listen(0, '127.0.0.1', resolve)))
after(() => trainer.close())

function run(args: readonly string[], port = (trainer.address() as AddressInfo).port) {
  const env = { PATH: process.env['PATH'] ?? '', DEVOPS_TRAINER_PORT: String(port) }
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile(process.execPath, [COMMAND, 'model', ...args], { env }, (_error, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err })
    })
  })
}

test('model list tells who answers and what is kept', async () => {
  const { code, out } = await run(['list'])
  assert.equal(code, 0)
  assert.deepEqual(out.trimEnd().split('\n'), [
    'ci_run: bbbbbbbbbbbb answers',
    '  champion   bbbbbbbbbbbb  since 2026-01-02 (won); learnt from 100 outcomes, 2025-12-01 to 2026-01-01',
    '  previous   aaaaaaaaaaaa  since 2026-01-02 (superseded)',
  ])
})

test('model card prints the card', async () => {
  assert.deepEqual(JSON.parse((await run(['card', 'ci_run', A])).out), { model: 'ci_run', seed: 1 })
})

test('model rollback tells what changed, and fails by name with another exit code', async () => {
  assert.equal((await run(['rollback', 'ci_run'])).out, 'ci_run: aaaaaaaaaaaa answers; bbbbbbbbbbbb answered before\n')
  assert.equal(
    (await run(['rollback', 'ci_run', '--to', 'base-rate'])).out,
    'ci_run: unchanged, base-rate answers already\n',
  )
  const failed = await run(['rollback', 'deployment'])
  assert.deepEqual([failed.code, failed.out], [1, ''])
  assert.match(failed.err, /^nothing_to_roll_back_to: nothing to roll back to: none/)
  const { code, err } = await run(['list'], 1)
  assert.equal(code, 1)
  assert.match(err, /^trainer_unreachable: the trainer does not answer at http:\/\/127\.0\.0\.1:1/)
})
