/** A thousand asks are stored as asked and do not move devops_model_accuracy. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { deliver, deploymentCreated, deploymentStatus } from '../harness/github.ts'
import { ledgerOf } from '../harness/ledger.ts'
import { useSystem, eventually } from '../harness/system.ts'

const system = useSystem({ roles: ['gateway', 'consumer', 'trainer'] })

async function accuracyLines(): Promise<string[]> {
  const text = await (await fetch(`${system().process('trainer').url}/metrics`)).text()
  return text.split('\n').filter((l) => /^devops_(model_accuracy|prediction_success_rate)\{/.test(l))
}

test('a thousand asks', async () => {
  const service = 'production/search'
  const at = Date.now() - 60_000
  const options = { repository: 'acme/search', id: 5, at }
  await deliver(system(), deploymentCreated(options))
  await deliver(system(), deploymentStatus(options, 'success', 1, at + 30_000))
  const before = await eventually('a live score', async () => {
    const lines = await accuracyLines()
    return lines.length > 0 ? lines : null
  })

  const asks = 1000
  for (let i = 0; i < asks; i += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, j) =>
        system().query('predict_deployment', { service, branch: `b${String(i + j)}` }),
      ),
    )
  }
  await eventually('all asks are in the ledger', async () => {
    const asked = (await ledgerOf(system(), service)).filter((e) => e.kind === 'asked')
    return asked.length === asks ? true : null
  })
  // One more outcome passes through the trainer after them: what it shows then, it shows knowing the asks.
  const other = { repository: 'acme/search', id: 6, at }
  await deliver(system(), deploymentCreated(other))
  await deliver(system(), deploymentStatus(other, 'success', 2, at + 30_000))
  await eventually('two scored rows', async () => {
    const text = await (await fetch(`${system().process('trainer').url}/metrics`)).text()
    return /^devops_scored_predictions\{[^}]*model="deployment"[^}]*backfilled="false"[^}]*\} 2$/m.test(text)
      ? true
      : null
  })
  assert.deepEqual(await accuracyLines(), before, 'both outcomes were successes, predicted alike: asks moved nothing')
})
