/** `npm start -- --demo`: a fleet that says it is made up, of which a second start with the same seed doubles nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { newInstallation, startAll, type Installation } from '../harness/npmStart.ts'
import { eventually } from '../harness/system.ts'

async function ask(installation: Installation, name: string, input: object): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${String(installation.ports.consumer)}/v1/query/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  assert.equal(answer.status, 200, name)
  return answer.json()
}

/** `<key> <attempt> <conclusion>` of all that began before a time, in no order. */
async function historyBefore(to: string, installation: Installation): Promise<string[]> {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const input = { to, limit: 100, ...(cursor === undefined ? {} : { cursor }) }
    const page = (await ask(installation, 'list_deployments', input)) as QueryOutput<'list_deployments'>
    found.push(...page.items.map(({ key, attempt, conclusion }) => `${key} ${String(attempt)} ${String(conclusion)}`))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return found.sort()
}

/** All that the demonstration sends of the past is sent, and seen by queries. */
async function allOfThePast(output: () => string, to: string, installation: Installation): Promise<string[]> {
  const sent = await eventually(
    'the history is sent',
    () => {
      const count = /synthetic history: (\d+) deployments and CI runs/.exec(output())?.[1]
      return Promise.resolve(
        count !== undefined && /synthetic and live from here/.test(output()) ? Number(count) : null,
      )
    },
    60_000,
  )
  return eventually('the history is seen', async () => {
    const found = await historyBefore(to, installation)
    return found.length >= sent && found.every((line) => !line.endsWith(' null')) ? found : null
  })
}

test('the synthetic fleet is labelled, there within a minute, and sent again changes nothing', async (t) => {
  const installation = await newInstallation(t)
  const args = ['--demo', '--seed', '5']
  // Where the day turns between the starts, the second one tells of one day more.
  const midnight = new Date(Date.now() - (Date.now() % 86_400_000)).toISOString()

  const first = await startAll(t, installation, { args })
  const before = await allOfThePast(first.output, midnight, installation)
  assert.equal(new Set(before).size, before.length)
  assert.match(first.output(), /made-up fleet of \d+ services \(seed 5\); none of it is real/)
  const services = (await ask(installation, 'list_services', { limit: 100 })) as QueryOutput<'list_services'>
  const names = services.items.map(({ service }) => service)
  assert.ok(names.length > 0)
  assert.deepEqual(
    names.filter((name) => !/^[a-z]+\/demo-/.test(name)),
    [],
    'every service says by its name that it is of the demonstration',
  )
  await first.interrupt()

  const second = await startAll(t, installation, { args })
  assert.deepEqual(await allOfThePast(second.output, midnight, installation), before)
  await second.interrupt()
})
