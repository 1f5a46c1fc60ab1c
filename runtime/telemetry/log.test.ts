import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

test('a line is JSON with the process and the event, without secrets, on the stream that was asked for', () => {
  const script = `const { createLog } = await import(${JSON.stringify(new URL('./log.ts', import.meta.url).href)})
    const gateway = { token: 'hunter2', githubWebhookSecret: 'hunter2', port: 1 }
    createLog('gateway', 'info').info({ event: 'started', gateway, configuration: { gateway } }, 'started')
    createLog('gateway', 'warn').info('left out')
    createLog('adapter', 'info', 'stderr').info({ event: 'elsewhere' })
    process.exit(0)`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.ok(!stdout.includes('hunter2') && !stdout.includes('left out'), stdout)
  const line = JSON.parse(stdout) as Record<string, unknown>
  assert.deepEqual(
    [line['level'], line['process'], line['event'], line['msg']],
    ['info', 'gateway', 'started', 'started'],
  )
  assert.equal((JSON.parse(stderr) as Record<string, unknown>)['event'], 'elsewhere')
})
