/** The alert rules that ship are ones that Prometheus takes, and they fire when they should. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const promtool = spawnSync('promtool', ['--version'])
const skip = promtool.error !== undefined && 'no promtool on this machine (TEST_SETUP=full installs it)'

for (const args of ['memory', 'models'].flatMap((name) => [
  ['check', 'rules', '--lint=all', '--lint-fatal', `${name}.rules.yaml`],
  ['test', 'rules', `${name}.rules.test.yaml`],
])) {
  test(`promtool ${args.join(' ')}`, { skip }, () => {
    const done = spawnSync('promtool', args, { cwd: import.meta.dirname, encoding: 'utf8' })
    assert.equal(done.status, 0, done.stdout + done.stderr)
    assert.match(done.stdout, /SUCCESS/)
  })
}
