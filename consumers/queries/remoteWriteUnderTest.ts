import protobuf from 'protobufjs'
import snappy from 'snappyjs'

export type Labels = Readonly<Record<string, string>>
export type Samples = readonly (readonly [at: number, value: number])[]

/** A Prometheus remote-write request: field numbers of prometheus.WriteRequest. */
export function remoteWrite(series: readonly (readonly [Labels, Samples])[]): Uint8Array {
  const request = protobuf.Writer.create()
  for (const [labels, samples] of series) {
    const one = request.uint32(10).fork()
    for (const [name, value] of Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))) {
      one.uint32(10).fork().uint32(10).string(name).uint32(18).string(value).ldelim()
    }
    for (const [at, value] of samples) one.uint32(18).fork().uint32(9).double(value).uint32(16).int64(at).ldelim()
    one.ldelim()
  }
  return snappy.compress(request.finish())
}
