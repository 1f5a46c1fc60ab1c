import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRemoteWriteDecoder } from '../../rust-engine/ts/remoteWrite.ts'
import { compressed, messageOf, series } from '../writeRequestUnderTest.ts'
import { IDENTITY_LABELS } from './labelNames.ts'
import { NOW } from './mappingUnderTest.ts'

test('every label that names a service tells targets apart in the decoder, so that a series never changes its service', () => {
  const limits = { seriesMax: 100, samplesMax: 100, decodedBytesMax: 100_000, labelBytesMax: 1_000 }
  for (const label of IDENTITY_LABELS) {
    const request = messageOf(series({ __name__: 'm', n: '1', [label]: 'a' }, 1), series({ __name__: 'm', n: '2' }, 1))
    const { batches } = createRemoteWriteDecoder(limits).decode(compressed(request), NOW)
    assert.deepEqual(
      batches.map(({ labels }) => labels),
      [{ [label]: 'a' }, {}],
      label,
    )
  }
})
