import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SchemaIdChanged } from '../../runtime/kafka/schemaCache.ts'
import { RegistryUnavailable } from '../../runtime/kafka/schemaRegistry.ts'
import { preparation, PreparationTooLong } from './preparation.ts'

test('at hand, away, and what no repeat mends', async () => {
  assert.equal(await preparation({ prepare: () => Promise.resolve() }, []), null)
  const away = new RegistryUnavailable('http://r', 'refused')
  assert.equal(await preparation({ prepare: () => Promise.reject(away) }, []), away)
  const changed = new SchemaIdChanged(1, 'a', 'b', 'f')
  await assert.rejects(preparation({ prepare: () => Promise.reject(changed) }, []), SchemaIdChanged)
})

test('a registry that hangs is given up for now, and its late answer troubles nobody', async () => {
  const hanging = Promise.withResolvers<never>()
  assert.ok((await preparation({ prepare: () => hanging.promise }, [], 1)) instanceof PreparationTooLong)
  hanging.reject(new RegistryUnavailable('http://r', 'timeout'))
})
