/**
 * Gradient-boosted trees by YDF (Google, Apache-2.0) with its defaults: 300 trees at most, depth 6, a tenth of the rows to stop early. In
 * a thread, since it writes to standard output, which is the replay's here, and learns for seconds.
 */
import { parentPort } from 'node:worker_threads'
import openYdf from 'ydf-training'
import type { Model } from 'ydf-training'

/** `learn`: CSV with labels, not answered. `ask`: CSV of one row, answered by its probability of failure. */
export type PeerRequest = { readonly learn: string } | { readonly ask: string }

const LABEL = 'outcome'

const said: string[] = []
const ydf = await openYdf({ printErr: (line) => void said.push(line) })
let model: Model | null = null
parentPort?.on('message', (request: PeerRequest) => {
  try {
    if ('learn' in request) {
      model?.unload()
      model = new ydf.GradientBoostedTreesLearner(LABEL, 'CLASSIFICATION').train(request.learn)
    } else parentPort?.postMessage(model?.predict(request.ask)[0] ?? null)
  } catch (error) {
    throw new Error(`the boosted trees of YDF: ${said.slice(-3).join(' ')}`, { cause: error })
  } finally {
    said.length = 0
  }
})
