import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

/** Runs `stop` in a process of its own, signals it, and gives its exit code and what it printed. */
async function shutDown(stop: string, signals: readonly NodeJS.Signals[]): Promise<[unknown, string]> {
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
  const script = `const { onShutdown } = await import(${url('./shutdown.ts')})
    const { createLog } = await import(${url('./telemetry/log.ts')})
    setInterval(() => {}, 1000)
    onShutdown(createLog('test', 'info'), ${stop}, 1000)
    process.stdout.write('up\\n')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8')
  for await (const part of child.stdout as AsyncIterable<string>) {
    text += part
    if (text === 'up\n') child.kill(signals[0])
    else if (signals[1] !== undefined && text.includes('shutdown_started')) child.kill(signals[1])
  }
  const code: unknown = child.exitCode ?? ((await once(child, 'exit')) as unknown[])[0]
  return [code, text]
}

test('it drains, then leaves with 0', async () => {
  const stop = `async () => { await new Promise((r) => setTimeout(r, 50)); process.stdout.write('drained\\n') }`
  const [code, text] = await shutDown(stop, ['SIGTERM'])
  assert.equal(code, 0)
  assert.match(text, /shutdown_started[^]*drained[^]*shutdown_finished/)
})

test('what fails or does not end leaves with 1', async () => {
  const [failed, why] = await shutDown(`async () => { throw new Error('still busy') }`, ['SIGINT'])
  assert.equal(failed, 1)
  assert.match(why, /shutdown_failed[^]*still busy/)
  const [overran, late] = await shutDown(`() => new Promise(() => {})`, ['SIGTERM'])
  assert.equal(overran, 1)
  assert.match(late, /shutdown_overran/)
})

test('a second signal does not wait', async () => {
  const [code, text] = await shutDown(`() => new Promise(() => {})`, ['SIGINT', 'SIGINT'])
  assert.equal(code, 1)
  assert.match(text, /shutdown_forced/)
})
