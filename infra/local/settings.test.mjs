import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { plainKeys, readSettings } from './settings.mjs'

function repositoryWith(t, yaml) {
  const folder = mkdtempSync(join(tmpdir(), 'settings-'))
  t.after(() => rmSync(folder, { recursive: true }))
  if (yaml !== null) writeFileSync(join(folder, 'devops-mcp-server.yaml'), yaml)
  return folder
}

const ports = (settings) => Object.fromEntries(settings.listeners.map(({ name, port }) => [name, port]))

test('without a file the documented ports hold and nothing existing is used', (t) => {
  const settings = readSettings(repositoryWith(t, null), {})
  assert.deepEqual(ports(settings), { gateway: 8080, consumer: 8081, trainer: 8082, adapter: 8085 })
  assert.equal(settings.brokers, null)
  assert.equal(settings.registryUrl, null)
})

test('the environment goes before the file, the file before the default', (t) => {
  const yaml = `# ours
server:
  name: ops # the name
  port: 9085
gateway:
  port: "9080"
  host: 0.0.0.0
kafka:
  brokers:
    - one:9092
    - two:9092
state_folder: state
`
  const folder = repositoryWith(t, yaml)
  const settings = readSettings(folder, { DEVOPS_SERVER_PORT: '7085' })
  assert.deepEqual(ports(settings), { gateway: 9080, consumer: 8081, trainer: 8082, adapter: 7085 })
  assert.equal(settings.listeners[0].url, 'http://127.0.0.1:9080')
  assert.equal(settings.brokers, 'one:9092,two:9092')
  assert.equal(settings.state, join(folder, 'state'))
  assert.equal(readSettings(folder, { DEVOPS_STATE_FOLDER: 'other' }).state, join(folder, 'other'))
  assert.equal(readSettings(folder, {}, '/elsewhere').state, '/elsewhere')
})

test('a list in brackets is a list', () => {
  assert.equal(plainKeys('kafka:\n  brokers: ["a:1", "b:2"]\n').get('kafka.brokers'), 'a:1, b:2')
})
