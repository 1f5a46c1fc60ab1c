import * as tf from '@tensorflow/tfjs'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'

type WasmHeap = Pick<BackendWasm, 'makeOutput' | 'typedArrayFromHeap'>

/**
 * The gradient of a gather (so of every embedding) is a sum over segments, which the stock wasm backend lacks.
 * Rows are added in plain JS on the wasm heap; the batches of a trainer are small.
 */
export function registerSegmentSum(): void {
  if (tf.getKernelsForBackend('wasm').some(({ kernelName }) => kernelName === 'UnsortedSegmentSum')) return
  tf.registerKernel({
    kernelName: 'UnsortedSegmentSum',
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const wasm = backend as WasmHeap
      const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo }
      const { numSegments } = attrs as unknown as { numSegments: number }
      const width = x.shape.slice(segmentIds.shape.length).reduce((product, size) => product * size, 1)

      const output = wasm.makeOutput([numSegments, ...x.shape.slice(segmentIds.shape.length)], x.dtype)
      // Views only after makeOutput: an allocation may move the heap under older ones.
      const sums = wasm.typedArrayFromHeap(output).fill(0)
      const rows = wasm.typedArrayFromHeap(x)
      const segments = wasm.typedArrayFromHeap(segmentIds)
      for (const [row, segment] of segments.entries()) {
        if (segment < 0) continue // by its definition negative ids are dropped
        for (let column = 0; column < width; column++) {
          const at = segment * width + column
          sums[at] = (sums[at] ?? 0) + (rows[row * width + column] ?? 0)
        }
      }
      return output
    },
  })
}
