/** Remote-write 1.0 requests by an encoder that is not ours. */
import protobuf from 'protobufjs'
import snappy from 'snappyjs'
import { NOW } from './sources/mappingUnderTest.ts'

const WriteRequest = protobuf
  .parse(
    `syntax = "proto3";
     message Sample { double value = 1; int64 timestamp = 2; }
     message Label { string name = 1; string value = 2; }
     message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
     message WriteRequest { repeated TimeSeries timeseries = 1; }`,
  )
  .root.lookupType('WriteRequest')

export const WRITE_HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
}

/** A sample every 15 s, the first a minute ago. */
export const series = (labels: Readonly<Record<string, string>>, ...values: number[]): object => ({
  labels: Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value })),
  samples: values.map((value, index) => ({ value, timestamp: NOW - 60_000 + index * 15_000 })),
})

export const compressed = (message: Uint8Array): Buffer => Buffer.from(snappy.compress(message))

export const messageOf = (...timeseries: object[]): Buffer =>
  Buffer.from(WriteRequest.encode(WriteRequest.create({ timeseries })).finish())
