/** A deployment is foretold with the size of the pull request whose head it ships, although the two are of different services. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { FEATURE_NAMES } from '../../consumers/models/features.ts'
import { deliver, deploymentCreated, type Delivery } from '../harness/github.ts'
import { ledgerOf } from '../harness/ledger.ts'
import { eventually, useSystem } from '../harness/system.ts'

const system = useSystem({ roles: ['gateway', 'consumer'] })

const SHA = 'a'.repeat(40)
const service = 'production/checkout'

const pullRequest = (at: number): Delivery => ({
  event: 'pull_request',
  payload: {
    action: 'synchronize',
    number: 7,
    repository: { id: 4711, full_name: 'acme/checkout' },
    sender: { login: 'octocat' },
    pull_request: {
      number: 7,
      merged: false,
      merge_commit_sha: null,
      updated_at: new Date(at).toISOString(),
      user: { login: 'octocat' },
      head: { sha: SHA, ref: 'topic' },
      base: { sha: 'b'.repeat(40), ref: 'main' },
      commits: 2,
      additions: 120,
      deletions: 30,
      changed_files: 4,
    },
  },
})

async function linesOf(id: number): Promise<number> {
  const headline = await eventually(`deployment ${String(id)} is foretold`, async () => {
    const key = `github:acme/checkout/deployment/${String(id)}`
    return (await ledgerOf(system(), service)).find((entry) => entry.subjectKey === key) ?? null
  })
  return headline.features[FEATURE_NAMES.indexOf('change.lines')] ?? NaN
}

test('a deployment carries the change that a pull request told', async () => {
  const at = Date.now() - 60_000
  assert.equal((await deliver(system(), pullRequest(at))).status, 202)
  const options = { repository: 'acme/checkout', at: at + 10_000 }
  assert.equal((await deliver(system(), deploymentCreated({ ...options, id: 1, sha: SHA }))).status, 202)
  assert.equal((await deliver(system(), deploymentCreated({ ...options, id: 2, sha: 'c'.repeat(40) }))).status, 202)
  assert.equal(await linesOf(1), Math.fround(Math.log1p(150)))
  assert.equal(await linesOf(2), 0, 'nobody told of that commit')
})
