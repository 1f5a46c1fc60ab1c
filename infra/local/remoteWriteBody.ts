/** A Prometheus remote-write 1.0 body: protobuf in snappy's block format. Small requests only: nothing is compressed. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly samples: readonly { readonly at: number; readonly value: number }[]
}

export function remoteWriteBody(series: readonly Series[]): Buffer {
  // WriteRequest { repeated TimeSeries timeseries = 1 }
  return snappyLiterals(Buffer.concat(series.map((one) => field(1, timeSeries(one)))))
}

/** TimeSeries { repeated Label labels = 1; repeated Sample samples = 2 }; remote write wants labels in order of their names. */
function timeSeries({ labels, samples }: Series): Buffer {
  const names = Object.keys(labels).sort()
  return Buffer.concat([
    ...names.map((name) => field(1, Buffer.concat([text(1, name), text(2, labels[name] ?? '')]))),
    ...samples.map(({ at, value }) => field(2, sample(at, value))),
  ])
}

/** Sample { double value = 1; int64 timestamp = 2 } */
function sample(at: number, value: number): Buffer {
  const double = Buffer.alloc(9)
  double[0] = (1 << 3) | 1
  double.writeDoubleLE(value, 1)
  return Buffer.concat([double, Buffer.from([2 << 3]), varint(at)])
}

const text = (number: number, value: string): Buffer => field(number, Buffer.from(value))

const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes])

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

/** Snappy allows a block of literals alone: the length of the whole, then runs of up to 64 KiB as they are. */
function snappyLiterals(bytes: Buffer): Buffer {
  const runBytes = 65_536
  const parts = [varint(bytes.length)]
  for (let from = 0; from < bytes.length; from += runBytes) {
    const run = bytes.subarray(from, from + runBytes)
    const tag = Buffer.from([61 << 2, 0, 0])
    tag.writeUInt16LE(run.length - 1, 1)
    parts.push(tag, run)
  }
  return Buffer.concat(parts)
}
