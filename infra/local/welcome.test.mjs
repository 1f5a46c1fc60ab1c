import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { readSettings } from './settings.mjs'
import { stdioCommand, welcome } from './welcome.mjs'

function installation(t, config = null) {
  const folder = mkdtempSync(join(tmpdir(), 'welcome-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true })
  writeFileSync(join(folder, 'node_modules', '.bin', 'node'), '')
  if (config !== null) writeFileSync(join(folder, 'devops-mcp-server.yaml'), config)
  return folder
}

test('the stdio command needs nothing in front while everything is as usual', (t) => {
  const folder = installation(t)
  assert.match(stdioCommand(readSettings(folder, {}), folder), /^\/\S+ \/\S+devops-mcp-server\.mjs mcp$/)
})

test('the stdio command finds the configuration file and the consumer of this start', (t) => {
  const folder = installation(t, 'consumer:\n  port: 9081\n')
  const file = `DEVOPS_MCP_CONFIG=${join(folder, 'devops-mcp-server.yaml')}`
  assert.ok(stdioCommand(readSettings(folder, {}), folder).startsWith(`${file} /`))
  const byPort = stdioCommand(readSettings(folder, { DEVOPS_CONSUMER_PORT: '9181' }), folder)
  assert.ok(byPort.startsWith(`${file} DEVOPS_CONSUMER_SEEDS=http://127.0.0.1:9181 /`), byPort)
  const bySeeds = stdioCommand(readSettings(folder, { DEVOPS_CONSUMER_SEEDS: 'http://a:1,http://b:2' }), folder)
  assert.ok(bySeeds.startsWith(`${file} DEVOPS_CONSUMER_SEEDS=http://a:1,http://b:2 /`), bySeeds)
  assert.match(stdioCommand(readSettings(folder, { DEVOPS_MCP_CONFIG: "it's.yaml" }), folder), /^\/\S+ \S+ mcp$/)
})

test('a demonstration says what to ask', (t) => {
  const repository = installation(t)
  const settings = readSettings(repository, {})
  const text = welcome({ settings, repository, servers: [], demo: true })
  assert.match(text, /query\/predict_deployment .*"production\/demo-checkout"/)
  assert.match(text, /query\/forecast_capacity .*"demo_disk_used_bytes"/)
  assert.doesNotMatch(welcome({ settings, repository, servers: [], demo: false }), /demo-/)
})
