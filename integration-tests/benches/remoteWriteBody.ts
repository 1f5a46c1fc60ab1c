/** Seeded remote-write 1.0 requests: targets × series × steps, eight labels a series, sent by target. */
import protobuf from 'protobufjs'
import snappy from 'snappyjs'

const proto = protobuf.parse(`
  syntax = "proto3";
  message Sample { double value = 1; int64 timestamp = 2; }
  message Label { string name = 1; string value = 2; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
  message WriteRequest { repeated TimeSeries timeseries = 1; }
`).root
const WriteRequest = proto.lookupType('WriteRequest')

export interface TimeSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly samples: readonly { readonly value: number; readonly timestamp: number }[]
}

/** The body of one request. */
export function writeRequest(series: readonly TimeSeries[]): Buffer {
  const timeseries = series.map(({ labels, samples }) => ({
    labels: Object.entries(labels).map(([name, value]) => ({ name, value })),
    samples,
  }))
  return Buffer.from(snappy.compress(WriteRequest.encode(WriteRequest.create({ timeseries })).finish()))
}

export interface Load {
  readonly targets: number
  readonly seriesPerTarget: number
  readonly steps: number
  readonly stepMs: number
  readonly startMs: number
}

/** One request for each step and target, in the order of time. */
export function* requests(load: Load): Generator<{ body: Buffer; samples: number }> {
  const values = Array.from({ length: load.targets * load.seriesPerTarget }, (_, i) => i * 10)
  for (let step = 0; step < load.steps; step += 1) {
    for (let target = 0; target < load.targets; target += 1) {
      const timeseries = Array.from({ length: load.seriesPerTarget }, (_, series) => {
        const i = target * load.seriesPerTarget + series
        const value = (values[i] ?? 0) + ((i * 7919 + step * 104_729) % 13)
        values[i] = value
        return { labels: labels(target, series), samples: [{ value, timestamp: load.startMs + step * load.stepMs }] }
      })
      yield { body: writeRequest(timeseries), samples: load.seriesPerTarget }
    }
  }
}

function labels(target: number, series: number): Record<string, string> {
  return {
    __name__: `bench_metric_${String(series % 50)}_total`,
    code: String(200 + (series % 7)),
    environment: 'production',
    handler: `/api/v1/resource/${String(Math.floor(series / 50))}`,
    instance: `10.0.0.${String(target)}:9100`,
    job: 'bench',
    method: series % 2 === 0 ? 'GET' : 'POST',
    service: `service-${String(target)}`,
  }
}
